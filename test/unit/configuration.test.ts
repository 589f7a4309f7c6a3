import { expect, test } from "vitest";
import { differences, settingsOf } from "../../runtime/protocol/configuration.ts";
import { exampleRun } from "./run-example.ts";

const [weights, bias] = exampleRun().tensors;

test("two runs differ in what they were made with, not in how they went", () => {
  const groups = (lr: string) => [{ group: 0, options: { lr, betas: "[0.9,0.999]" } }];
  const first = exampleRun({ groups: groups("0.001"), steps: 3, finalLoss: 1 });
  const second = exampleRun({
    id: "other",
    groups: groups("0.01"),
    args: [],
    sourceHash: "f00d",
    seed: 7,
    environment: { node: "24.21.0", platform: "linux x64" },
  });
  expect(differences([first, second])).toEqual([
    { name: "arguments", values: ["--epochs 3", ""] },
    { name: "seed", values: ["0", "7"] },
    { name: "lr", values: ["0.001", "0.01"] },
    // What an older version did not record.
    { name: "script text", values: [undefined, "f00d"] },
    { name: "Node.js", values: [undefined, "24.21.0"] },
    { name: "platform", values: [undefined, "linux x64"] },
  ]);
  expect(differences([first, { ...first, id: "again", finalLoss: 2 }])).toEqual([]);
});

test("two runs differ in the commit, and in what was changed since", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const clean = exampleRun({ repository: { commit, changedFiles: 0 } });
  const changed = exampleRun({ repository: { commit, changedFiles: 1, patchHash: "f00d" } });
  const rewritten = exampleRun({ repository: { commit: `f${commit}`, changedFiles: 9 } });
  expect(differences([clean, changed, rewritten, exampleRun()])).toEqual([
    { name: "commit", values: ["0123456789ab", "0123456789ab", "f0123456789a", undefined] },
    {
      name: "uncommitted changes",
      values: ["none", "1 file, f00d", "9 files, too large to keep", undefined],
    },
  ]);
});

test("options of several groups are told apart, and parameters are counted", () => {
  if (!weights || !bias) throw new Error("The example has two tensors.");
  const run = exampleRun({
    tensors: [weights, { ...bias, group: 1 }],
    groups: [
      { group: 0, options: { lr: "0.1" } },
      { group: 1, options: { lr: "0.2" } },
    ],
  });
  const values = Object.fromEntries(settingsOf(run).map(({ name, value }) => [name, value]));
  expect(values).toMatchObject({
    optimizer: "Adam",
    "lr of group 0": "0.1",
    "lr of group 1": "0.2",
    parameters: "9 in 2 tensors",
  });
});
