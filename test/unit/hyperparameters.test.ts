import { describe, expect, it } from "vitest";
import { findSetting } from "../../extension/code/hyperparameters.ts";
import type { Hyperparameter } from "../../runtime/protocol/finding.ts";

const HEAD = 'import { data, nn, optim } from "stepscope";\n';

/** Takes the marks «…» out of a source; says what stands between them. */
function marked(text: string): { source: string; start: number; end: number } {
  const source = HEAD + text;
  const start = source.indexOf("«");
  return { source: source.replace(/[«»]/g, ""), start, end: source.indexOf("»") - 1 };
}

function find(text: string, name: Hyperparameter = "lr", group = 0) {
  const { source, start, end } = marked(text);
  const found = findSetting(source, name, group);
  return { found, start, end, text: found && source.slice(found.start, found.end) };
}

describe("a literal is found", () => {
  it.each([
    ["in the options", "new optim.AdamW(model.parameters(), { lr: «2e-4», eps: 1e-8 });"],
    ["of a bare class", "new AdamW(model.parameters(), { lr: «0.1» });"],
    ["below a namespace", "new torch.optim.SGD(p, { lr: «0.1» });"],
    ["with a separator", "new optim.SGD(p, { lr: «1_0.5» });"],
    ["with a sign", "new optim.SGD(p, { lr: «-0.1» });"],
    ["under a quoted key", 'new optim.SGD(p, { "lr": «0.1» });'],
    ["of a constant", "const lr = «0.1»;\nnew optim.SGD(p, { lr });"],
    ["of a constant by another name", "const rate = «0.1»;\nnew optim.SGD(p, { lr: rate });"],
    ["of a constant of a constant", "const a = «0.1»;\nconst b = a;\nnew optim.SGD(p, { lr: b });"],
    ["of a variable that never changes", "let lr = «0.1»;\nnew optim.SGD(p, { lr });"],
    ["of an object", "const config = { lr: «0.1» };\nnew optim.SGD(p, { lr: config.lr });"],
    ["of an object in brackets", 'const c = { lr: «0.1» };\nnew optim.SGD(p, { lr: c["lr"] });'],
    [
      "of a nested object",
      "const c = { optim: { lr: «0.1» } };\nnew optim.SGD(p, { lr: c.optim.lr });",
    ],
    ["of options by name", "const options = { lr: «0.1» };\nnew optim.SGD(p, options);"],
    ["of options as const", "const options = { lr: «0.1» } as const;\nnew optim.SGD(p, options);"],
    ["with satisfies", "const c = { lr: «0.1» } satisfies C;\nnew optim.SGD(p, { ...c });"],
    ["of a spread", "const base = { lr: «0.1» };\nnew optim.SGD(p, { ...base, momentum: 0.9 });"],
    ["behind a spread", "const base = { lr: 1 };\nnew optim.SGD(p, { ...base, lr: «0.1» });"],
    ["in front of a spread", "const base = { lr: «1» };\nnew optim.SGD(p, { lr: 0.1, ...base });"],
    ["of a pattern", "const { lr } = { lr: «0.1» };\nnew optim.SGD(p, { lr });"],
    [
      "of a pattern with a new name",
      "const { lr: r } = { lr: «0.1» };\nnew optim.SGD(p, { lr: r });",
    ],
    ["of a pattern's default", "const { lr = «0.1» } = config;\nnew optim.SGD(p, { lr });"],
    ["of an array", "const rates = [1, «0.1»];\nnew optim.SGD(p, { lr: rates[1] });"],
    [
      "of a frozen object",
      "const c = Object.freeze({ lr: «0.1» });\nnew optim.SGD(p, { lr: c.lr });",
    ],
    ["behind ??", "new optim.SGD(p, { lr: process.env.LR ?? «0.1» });"],
    ["in a text", 'new optim.SGD(p, { lr: Number(process.env.LR ?? "«0.1»") });'],
    [
      "as the default of an argument",
      `const { values } = parseArgs({ options: { lr: { type: "string", default: "«0.1»" } } });
new optim.SGD(p, { lr: Number(values.lr) });`,
    ],
    [
      "as the default of an argument, by way of flags",
      `const flags = util.parseArgs({ options: { lr: { type: "string", default: "«0.1»" } } });
const lr = parseFloat(flags.values.lr);
new optim.SGD(p, { lr });`,
    ],
    ["of a parameter's default", "function f(lr = «0.1») { new optim.SGD(p, { lr }); }"],
    ["of the only call", "function f(lr) { new optim.SGD(p, { lr }); }\nf(«0.1»);"],
    [
      "of the only call with options",
      "const f = ({ lr }) => { new optim.SGD(p, { lr }); };\nawait f({ lr: «0.1» });",
    ],
    [
      "of a name in an inner scope",
      "const lr = 1;\n{ const lr = «0.1»; new optim.SGD(p, { lr }); }",
    ],
    [
      "of a name in an outer scope",
      "const lr = «0.1»;\n{ const lr = 1; }\nnew optim.SGD(p, { lr });",
    ],
    ["of the optimizer that says it", "new optim.SGD(a);\nnew optim.SGD(b, { lr: «0.1» });"],
    ["of a group", "new optim.SGD([{ params: a, lr: «0.1» }, { params: b }], { lr: 1 });"],
  ])("%s", (_, source) => {
    const { found, start, end } = find(source);
    expect(found).toMatchObject({ kind: "literal", start, end });
  });

  it("as a number", () => {
    expect(find("new optim.SGD(p, { lr: «2e-4» });").found?.value).toBe(2e-4);
    expect(find('new optim.SGD(p, { lr: Number("«0.5»") });').found?.value).toBe(0.5);
  });

  it("in the parameter group that is meant", () => {
    const groups = "[{ params: a, lr: 1 }, { params: b, lr: «0.1» }]";
    const { found, start, end } = find(`new optim.SGD(${groups}, { lr: 2 });`, "lr", 1);
    expect(found).toMatchObject({ kind: "literal", start, end });
    expect(find("new optim.SGD([{ params: a }], { lr: «2» });", "lr", 0).text).toBe("2");
  });

  it.each([
    ["betas", "new optim.Adam(p, { betas: «[0.9, 0.999]» });"],
    ["betas", "const betas = «[0.9, 0.999]» as const;\nnew optim.Adam(p, { betas });"],
    ["weightDecay", "new optim.AdamW(p, { lr: 1, weightDecay: «0.01» });"],
    ["eps", "new optim.AdamW(p, { eps: «1e-8» });"],
    ["momentum", "new optim.SGD(p, { momentum: «0.9» });"],
    ["batchSize", "new data.DataLoader(set, { batchSize: «32», shuffle: true });"],
    ["batchSize", "const batchSize = «32»;\nnew DataLoader(set, { batchSize });"],
    ["clip", "nn.utils.clipGradNorm_(model.parameters(), «1»);"],
    ["clip", "const most = «1.5»;\nclipGradValue_(model.parameters(), most);"],
  ] as const)("of %s: %s", (name, source) => {
    const { found, start, end } = find(source, name);
    expect(found).toMatchObject({ kind: "literal", start, end });
  });
});

describe("an expression is found where there is no literal", () => {
  it.each([
    ["computed", "new optim.SGD(p, { lr: «0.1 * scale» });"],
    ["imported", 'import { lr } from "./config.ts";\nnew optim.SGD(p, { lr: «lr» });'],
    ["assigned again", "let lr = 0.1;\nlr *= 2;\nnew optim.SGD(p, { lr: «lr» });"],
    [
      "of a function of several calls",
      "function f(r) { new optim.SGD(p, { lr: «r» }); }\nf(1); f(2);",
    ],
    ["of itself", "const { lr } = { lr: lr };\nnew optim.SGD(p, { lr: «lr» });"],
    ["a choice", "new optim.SGD(p, { lr: «big ? 1 : 0.1» });"],
  ])("%s", (_, source) => {
    const { found, start, end } = find(source);
    expect(found).toMatchObject({ kind: "expression", start, end });
  });
});

describe("an option that is not given", () => {
  /** The source with the option put in. */
  const inserted = (text: string): string => {
    const { source } = marked(text);
    const insert = findSetting(source, "lr")?.insert;
    if (!insert) return "";
    const { at, before, after } = insert;
    return `${source.slice(0, at)}${before}1${after}${source.slice(at)}`.slice(HEAD.length);
  };

  it("is marked at the constructor", () => {
    const { found, start, end } = find("new «optim.SGD»(p);");
    expect(found).toMatchObject({ kind: "call", start, end });
  });

  it("can be put in", () => {
    expect(inserted("new optim.SGD(p);")).toBe("new optim.SGD(p, { lr: 1 });");
    expect(inserted("new optim.SGD(p, {});")).toBe("new optim.SGD(p, { lr: 1 });");
    expect(inserted("new optim.SGD(p, { momentum: 0.9 });")).toBe(
      "new optim.SGD(p, { lr: 1, momentum: 0.9 });",
    );
    expect(inserted("new optim.SGD(p, options());")).toBe("");
  });
});

describe("nothing is found", () => {
  it.each([
    ["without an optimizer", "const lr = 0.1;", "lr"],
    ["without a loader", "new optim.SGD(p, { lr: 0.1 });", "batchSize"],
    ["without a clip", "new optim.SGD(p, { lr: 0.1 });", "clip"],
  ] as const)("%s", (_, source, name) => {
    expect(find(source, name).found).toBeUndefined();
  });

  it("in a file that does not use stepscope", () => {
    expect(findSetting("new optim.SGD(p, { lr: 0.1 });", "lr")).toBeUndefined();
  });
});
