import { describe, expect, it } from "vitest";
import { findTraining } from "../../extension/code/training.ts";

const head = 'import { nn, optim } from "stepscope";\n';

describe("findTraining", () => {
  it("finds the outermost loop that calls backward and step", () => {
    const training = findTraining(`${head}
const optimizer = new optim.AdamW(model.parameters(), { lr: 2e-4 });

for (let epoch = 0; epoch < 3; epoch++) {
  for await (const [inputs, targets] of loader) {
    const loss = lossFn.forward(model.forward(inputs), targets);
    optimizer.zeroGrad();
    loss.backward();
    await optimizer.step();
  }
}
`);
    expect(training).toEqual({
      lensLine: 5,
      loopLine: 5,
      backwardLines: [9],
      stepLines: [10],
      layers: [],
    });
  });

  it.each([
    ["for", "for (let i = 0; i < 9; i++) { loss().backward(); await o.step(); }"],
    ["for of", "for (const x of xs) { f(x).backward(); await o.step(); }"],
    ["for await", "for await (const x of xs) { f(x).backward(); await o.step(); }"],
    ["while", "while (true) { loss().backward(); await o.step(); }"],
    ["do while", "do { loss().backward(); await o.step(); } while (true);"],
    ["inside a function", "async function fit() { for (;;) { l.backward(); await o.step(); } }"],
    ["inside a callback of the loop", "while (true) { run(() => { l.backward(); o.step(); }); }"],
    ["optional calls", "while (true) { l?.backward(); o?.step(); }"],
    [
      "decorators and enums",
      "enum E { A }\n@d class C {}\nwhile (E.A) { l.backward(); o.step(); }",
    ],
    ["using", "while (true) { using x = f(); l.backward(); o.step(); }"],
  ])("knows a %s loop", (_, loop) => {
    const line = head.split("\n").length + loop.split("\n").length - 1;
    expect(findTraining(head + loop)).toMatchObject({ lensLine: line, loopLine: line });
  });

  it("passes over a loop that does not train", () => {
    const training = findTraining(`${head}for (const x of xs) console.log(x);
for (const x of xs) scheduler.step();
for (const x of xs) { l.backward(); o.step(); }`);
    expect(training?.loopLine).toBe(4);
  });

  it("prefers a loop with a step, and takes one with an update by hand", () => {
    expect(
      findTraining(`${head}for (;;) { l.backward(); }\nfor (;;) { l.backward(); o.step(); }`)
        ?.loopLine,
    ).toBe(3);
    expect(
      findTraining(`${head}for (;;) { l.backward(); w.sub_(w.grad.mul(lr)); }`)?.loopLine,
    ).toBe(2);
  });

  it("puts the lens at the first import where there is no loop", () => {
    expect(
      findTraining('import fs from "node:fs";\nimport * as torch from "stepscope";\nfit();'),
    ).toEqual({
      lensLine: 2,
      backwardLines: [],
      stepLines: [],
      layers: [],
    });
  });

  it.each([
    ["no import", "for (;;) { l.backward(); o.step(); }"],
    ["a comment that names the package", "// stepscope\nfor (;;) { l.backward(); o.step(); }"],
    ["another package", 'import x from "stepscope-tools";\nfor (;;) { l.backward(); o.step(); }'],
    ["an import of types", 'import type { Tensor } from "stepscope";\nexport type T = Tensor;'],
    ["types one by one", 'import { type Tensor } from "stepscope";\nexport type T = Tensor;'],
  ])("leaves a file with %s alone", (_, source) => {
    expect(findTraining(source)).toBeUndefined();
  });

  it.each([
    ["require", 'const { nn, optim } = require("stepscope");'],
    ["require of a member", 'const nn = require("stepscope").nn;'],
    ["an import of TypeScript's CommonJS", 'import torch = require("stepscope");'],
  ])("knows %s", (_, imported) => {
    const loop = "for (;;) { l.backward(); o.step(); }";
    expect(findTraining(`${imported}\n${loop}`)?.loopLine).toBe(2);
  });

  it("names layers by the property or the place that holds them", () => {
    const source = `${head}
class Net extends nn.Module {
  conv = new nn.Conv2d(1, 8, 3);
  constructor() {
    super();
    this.head = new nn.Sequential(
      new nn.Linear(8, 4),
      new nn.ReLU(),
      new nn.Sequential(new nn.Linear(4, 2)),
    );
  }
}
const line = new nn.Linear(1, 1);
const lossFn = new nn.MSELoss();
const other = new Linear(1, 1);`;
    expect(findTraining(source)?.layers).toEqual([
      { line: 4, path: ["conv"] },
      { line: 8, path: ["head", "0"] },
      { line: 9, path: ["head", "1"] },
      { line: 10, path: ["head", "2", "0"] },
      { line: 14, path: [] },
    ]);
  });

  it("throws while the file does not parse", () => {
    expect(() => findTraining(`${head}for (let i = 0; i <`)).toThrow(SyntaxError);
  });

  it("recovers from errors that leave the structure whole", () => {
    const source = `${head}const a = 1;\nconst a = 2;\nfor (;;) { l.backward(); o.step(); }`;
    expect(findTraining(source)?.loopLine).toBe(4);
  });
});
