import { describe, expect, it } from "vitest";
import { optionEdit } from "../../extension/code/optionEdit.ts";
import type { LiveOption } from "../../runtime/protocol/control.ts";
import type { OptimizerName, TensorRecord } from "../../runtime/protocol/run.ts";

const tensor = (group: number, optimizer: OptimizerName): TensorRecord => ({
  name: `parameter ${group}`,
  shape: [1],
  group,
  optimizer,
  momentum: true,
  adaptive: true,
  sampled: 1,
});

const options = [
  { group: 0, name: "beta1" as const, value: 0.8, own: 0.9 },
  { group: 0, name: "beta2" as const, value: 0.999, own: 0.999 },
];

/** The source after a value was written into it; else why it was not. */
function written(
  source: string,
  name: LiveOption,
  value: number,
  group = 0,
  tensors = [tensor(0, "AdamW")],
): string {
  const whole = `import { nn, optim } from "stepscope";\n${source}`;
  const found = optionEdit(whole, { group, name, value }, { tensors, options });
  if (found.type !== "edit") {
    return found.type === "computed" ? whole.slice(found.at.start, found.at.end) : found.type;
  }
  const { start, end, text } = found.edit;
  return (whole.slice(0, start) + text + whole.slice(end)).split("\n").slice(1).join("\n");
}

describe("a value that was set is written", () => {
  it.each<[LiveOption, number, string, string]>([
    ["lr", 0.0123456789, "{ lr: 1e-3 }", "{ lr: 0.01234568 }"],
    ["lr", 3e-5, "{ lr: 1e-3 }", "{ lr: 3e-5 }"],
    ["lrFactor", 0.5, "{ lr: 1e-3 }", "{ lr: 5e-4 }"],
    ["beta1", 0.8, "{ betas: [0.9, 0.999] }", "{ betas: [0.8, 0.999] }"],
    ["beta2", 0.99, "{ betas: [0.9, 0.999] }", "{ betas: [0.9, 0.99] }"],
    ["beta1", 0.8, "{ lr: 1 }", "{ betas: [0.8, 0.999], lr: 1 }"],
    ["eps", 1e-6, "{ eps: 1e-8 }", "{ eps: 1e-6 }"],
    ["weightDecay", 0.1, "{ lr: 1 }", "{ weightDecay: 0.1, lr: 1 }"],
  ])("%s %d: %s becomes %s", (name, value, before, after) => {
    const make = (given: string) => `new optim.AdamW(p, ${given});`;
    expect(written(make(before), name, value)).toBe(make(after));
  });

  it("by way of a constant, and into the default of an argument", () => {
    const use = "new optim.AdamW(p, { lr });";
    expect(written(`const lr = 0.1;\n${use}`, "lr", 0.2)).toBe(`const lr = 0.2;\n${use}`);
    const parse = (lr: string) =>
      `const { values } = parseArgs({ options: { lr: { type: "string", default: "${lr}" } } });
new optim.AdamW(p, { lr: Number(values.lr) });`;
    expect(written(parse("0.1"), "lrFactor", 2)).toBe(parse("0.2"));
  });

  it("as the limit of the call that clips that way", () => {
    const clips = (norm: number, value: number) =>
      `nn.utils.clipGradNorm(p, ${norm});\nnn.utils.clipGradValue(p, ${value});`;
    expect(written(clips(1, 2), "maxNorm", 3)).toBe(clips(3, 2));
    expect(written(clips(1, 2), "clipValue", 3)).toBe(clips(1, 3));
  });

  it("for the group that is meant, and no other", () => {
    const tensors = [tensor(0, "AdamW"), tensor(1, "AdamW")];
    const make = (first: string, second: string) =>
      `new optim.AdamW([{ params: a${first} }, {${second} params: b }], { lr: 1 });`;
    const twoRates = make(", lr: 2", "");
    expect(written(twoRates, "lr", 3, 0, tensors)).toBe(make(", lr: 3", ""));
    expect(written(twoRates, "lr", 3, 1, tensors)).toBe(make(", lr: 2", " lr: 3,"));
    const two = "new optim.SGD(a, { lr: 1 });\nnew optim.AdamW(b, { lr: 1 });";
    const both = [tensor(0, "AdamW"), tensor(1, "SGD")];
    expect(written(two, "lr", 3, 1, both)).toBe(two.replace("lr: 1", "lr: 3"));
  });
});

describe("it is said why a value is not written", () => {
  it.each([
    ["it is computed", "new optim.AdamW(p, { lr: 0.1 * scale });", "0.1 * scale"],
    ["nothing here has it", "make(p);", "missing"],
    ["two could be meant", "new optim.AdamW(a);\nnew optim.AdamW(b);", "several"],
  ])("%s", (_, source, why) => {
    expect(written(source, "lr", 3)).toBe(why);
    expect(written(source, "lrFactor", 3)).toBe(why);
  });

  it("a factor of a rate that is not given", () => {
    expect(written("new optim.AdamW(p);", "lrFactor", 3)).toBe("optim.AdamW");
    expect(written("new optim.AdamW(p);", "maxNorm", 3)).toBe("missing");
  });

  it("groups that are made elsewhere", () => {
    const tensors = [tensor(0, "AdamW"), tensor(1, "AdamW")];
    expect(written("new optim.AdamW(groups(), { lr: 1 });", "lr", 3, 1, tensors)).toBe("several");
  });
});
