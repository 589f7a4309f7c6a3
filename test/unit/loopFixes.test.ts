/** The texts that quick fixes of the loop's faults leave behind. */
import { expect, it, test } from "vitest";
import { loopFix } from "../../extension/code/loopFixes.ts";
import type { FindingCode } from "../../runtime/protocol/finding.ts";

const script = (...lines: readonly string[]) =>
  ['import { data, nn, optim } from "stepscope";', ...lines].join("\n");

/** The source as the fix leaves it, and the words of its title. */
function mended(code: FindingCode, source: string, line = 0) {
  const location = { file: "train.ts", line, column: 1 };
  const fix = loopFix(source, { code, location });
  if (!fix) return undefined;
  const { start, end, text } = fix.edit;
  return [fix.words, source.slice(0, start) + text + source.slice(end)];
}

const ADAM = "const optimizer = new optim.Adam(model.parameters());";

it.each<[FindingCode, string, string[], string[]]>([
  [
    "loop.zeroGrad",
    "optimizer.zeroGrad();",
    [ADAM, "for (;;) {", "  loss.backward();", "  await optimizer.step();", "  rate.step();", "}"],
    [
      ADAM,
      "for (;;) {",
      "  loss.backward();",
      "  await optimizer.step();",
      "  optimizer.zeroGrad();",
      "  rate.step();",
      "}",
    ],
  ],
  [
    "loop.step",
    "await optimizer.step();",
    [ADAM, "for (;;) {", "\tloss.backward(); // here", "}"],
    [ADAM, "for (;;) {", "\tloss.backward();", "\tawait optimizer.step(); // here", "}"],
  ],
  [
    "loop.direction",
    "maximize: false",
    ["new optim.SGD(p, { lr: 0.1, maximize: true });"],
    ["new optim.SGD(p, { lr: 0.1, maximize: false });"],
  ],
  ["loop.direction", "loss", ["loss.neg().backward();"], ["loss.backward();"]],
  [
    "loss.arguments",
    "nn.functional.crossEntropy(model.forward(x), labels)",
    ["const loss = nn.functional.crossEntropy(labels, model.forward(x));"],
    ["const loss = nn.functional.crossEntropy(model.forward(x), labels);"],
  ],
  [
    "loss.arguments",
    "lossFn.forward(said, is)",
    ["const loss = lossFn.forward(is, said);"],
    ["const loss = lossFn.forward(said, is);"],
  ],
  [
    "loss.probabilities",
    "model.forward(x)",
    ["const loss = nn.functional.crossEntropy(model.forward(x).softmax(1), labels);"],
    ["const loss = nn.functional.crossEntropy(model.forward(x), labels);"],
  ],
  [
    "loss.probabilities",
    "scores",
    ["const loss = nn.functional.crossEntropy(nn.functional.softmax(scores, 1), labels);"],
    ["const loss = nn.functional.crossEntropy(scores, labels);"],
  ],
  [
    "data.order",
    "shuffle: true",
    ["const loader = new data.DataLoader(set, { batchSize: 32 });"],
    ["const loader = new data.DataLoader(set, { shuffle: true, batchSize: 32 });"],
  ],
  [
    "data.order",
    "shuffle: true",
    ["new data.DataLoader(set, { shuffle: false }); new data.DataLoader(b, { shuffle: true });"],
    ["new data.DataLoader(set, { shuffle: true }); new data.DataLoader(b, { shuffle: true });"],
  ],
  [
    "data.order",
    "shuffle: true",
    ["new data.DataLoader(set);"],
    ["new data.DataLoader(set, { shuffle: true });"],
  ],
])("%s: %s", (code, words, before, after) => {
  expect(mended(code, script(...before), 2)).toEqual([words, script(...after)]);
});

test("a softmax that stands in the line above is left out there", () => {
  const source = (softmax: string) =>
    script(
      `const said = model.forward(x)${softmax};`,
      "const loss = nn.functional.crossEntropy(said, labels);",
    );
  expect(mended("loss.probabilities", source(".softmax(1)"), 3)?.[1]).toBe(source(""));
});

it.each<[string, FindingCode, string[]]>([
  ["two optimizers step", "loop.zeroGrad", [ADAM, "optimizer.step();", "optimizer.step();"]],
  ["backward() is called twice", "loop.step", [ADAM, "a.backward();", "b.backward();"]],
  ["there are two optimizers", "loop.step", [ADAM, "const b = new optim.SGD(p);", "l.backward();"]],
  [
    "two loaders do not shuffle",
    "data.order",
    ["new data.DataLoader(a, {}, new data.DataLoader(b));"],
  ],
  ["a sampler gives the order", "data.order", ["new data.DataLoader(a, { sampler });"]],
  ["the options come from elsewhere", "data.order", ["new data.DataLoader(a, options);"]],
  ["a part of them does", "data.order", ["new data.DataLoader(a, { ...options });"]],
  ["the call is on another line", "loss.arguments", ["", "mseLoss(a, b);"]],
  ["nothing in the source mends it", "gradients.vanishing", [ADAM]],
])("there is none where %s", (_, code, lines) => {
  expect(mended(code, script(...lines), 2)).toBeUndefined();
});
