/** The npm package as its users get it: packed, unpacked, type-checked and run. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
/** The compilers whose users can use the package: the newest, and the last one written in JavaScript. */
const [TSC, TSC_5] = ["typescript", "typescript-5"].map(name =>
  join(ROOT, "node_modules", name, "bin/tsc"),
) as [string, string];

/** A project of a user, with the packages that npm would put there. */
let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "stepscope-consumer-"));
  const installed = join(project, "node_modules/stepscope");
  mkdirSync(installed, { recursive: true });
  execFileSync("npm", ["pack", "--ignore-scripts", "--pack-destination", project], {
    cwd: ROOT,
    stdio: "ignore",
  });
  const archive = readdirSync(project).find(name => name.endsWith(".tgz")) ?? "";
  execFileSync("tar", ["-xzf", join(project, archive), "-C", installed, "--strip-components=1"]);
  for (const name of ["webgpu", "esbuild", "@webgpu"]) {
    symlinkSync(join(ROOT, "node_modules", name), join(project, "node_modules", name));
  }
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(project, "pairs.ts"), PAIRS);
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

const SCRIPT = `
import { type Tensor, data, nn, optim, tensor } from "stepscope";
import type pairs from "./pairs.ts";

const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Tanh(), new nn.Linear(3, 1));
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 });
const loss: Tensor = new nn.MSELoss().forward(model.forward(tensor([[1, 2]])), tensor([[3]]));
loss.backward();
await optimizer.step();
const value: number = await loss.item();
const dataset = await data.fromModule<typeof pairs>(new URL("./pairs.ts", import.meta.url), 4);
const read: number[][] = [];
for await (const [x] of new data.DataLoader(dataset, { batchSize: 2, numWorkers: 1 })) {
  read.push([...(await x.data())]);
}
console.log(Number.isFinite(value) && JSON.stringify(read) === "[[0,1],[2,3]]");
`;

/** A data set that a worker makes. */
const PAIRS = `
import { type Tensor, data, tensor } from "stepscope";

export default (length: number): data.Dataset<[Tensor, Tensor]> => ({
  length,
  batch: indices => [tensor(indices), tensor(indices)],
});
`;

test.for([
  ["7", TSC],
  ["5", TSC_5],
] as const)("a training script type-checks under --strict of TypeScript %s", ([, compiler]) => {
  writeFileSync(join(project, "train.ts"), SCRIPT);
  expect(check("train.ts", compiler)).toBe("");
});

test.for([
  ["node", []],
  ["tsx", [join(ROOT, "node_modules/tsx/dist/cli.mjs")]],
  ["stepscope train", ["node_modules/stepscope/dist/stepscope.js", "train"]],
] as const)("it runs under %s", ([, args]) => {
  writeFileSync(join(project, "train.ts"), SCRIPT);
  const command = [...args, "train.ts"];
  const output = execFileSync(process.execPath, command, { cwd: project, encoding: "utf8" });
  expect(output.split("\n")).toContain("true");
});

test("a wrong use is an error of types", () => {
  writeFileSync(
    join(project, "wrong.ts"),
    `import { nn } from "stepscope";\nnew nn.Linear("64", 10);\n`,
  );
  expect(check("wrong.ts")).toContain("wrong.ts(2,15): error TS2345");
});

test("stepscope view has its page", () => {
  const page = readdirSync(join(project, "node_modules/stepscope/dist/webview"));
  expect(page).toEqual(expect.arrayContaining(["browser.js", "panel.css", "panel.js"]));
});

test("nothing but the entry can be imported", () => {
  writeFileSync(join(project, "inner.ts"), `import "stepscope/dist/sidecar.js";\n`);
  expect(check("inner.ts")).toContain("error TS");
  expect(() =>
    execFileSync(process.execPath, ["inner.ts"], { cwd: project, stdio: "pipe" }),
  ).toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED/);
});

/** What the compiler says of a file; nothing when it is right. */
function check(file: string, compiler = TSC): string {
  const options = [
    "--strict",
    "--noEmit",
    "--allowImportingTsExtensions",
    "--target",
    "es2023",
    "--module",
    "nodenext",
  ];
  const types = ["--types", "node", "--typeRoots", join(ROOT, "node_modules/@types")];
  try {
    execFileSync(process.execPath, [compiler, ...options, ...types, file], { cwd: project });
    return "";
  } catch (error) {
    if (error instanceof Error && "stdout" in error) return String(error.stdout);
    throw error;
  }
}
