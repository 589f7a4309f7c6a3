/** The npm package as its users get it: packed, unpacked, type-checked and run. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { packForNpm } from "../../packaging/npm.ts";
import { MEBIBYTE } from "../../packaging/targets.ts";
import { buildForProduction } from "../../packaging/vsix.ts";
import { nativePackage } from "../../runtime/gpu/nativePackage.ts";

const ROOT = join(import.meta.dirname, "../..");
/** The compilers whose users can use the package: the newest, and the last one written in JavaScript. */
const [TSC, TSC_5] = ["typescript", "typescript-5"].map(name =>
  join(ROOT, "node_modules", name, "bin/tsc"),
) as [string, string];

/** Stepscope itself, beside what it needs for its platform. */
const LARGEST = 2 * MEBIBYTE;
/** Dawn and the software adapter. */
const LARGEST_NATIVE = 30 * MEBIBYTE;

/** A project of a user, with the packages that npm puts there. */
let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "stepscope-consumer-"));
  const packed = join(project, "packed");
  mkdirSync(packed);
  buildForProduction();
  packForNpm(packed);
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(project, "pairs.ts"), PAIRS);
  // The package of this platform would come from npm, as one of those that Stepscope names.
  const native = `${nativePackage(process.platform, process.arch)}-${manifest.version}.tgz`;
  const archives = [`stepscope-${manifest.version}.tgz`, native].map(name => join(packed, name));
  const install = ["install", "--prefer-offline", "--no-audit", "--no-fund", ...archives];
  execFileSync("npm", install, { cwd: project, stdio: "ignore" });
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

test("npm installs what is native for this platform, the compiler, and little more", () => {
  const names = readdirSync(join(project, "node_modules")).filter(name => !name.startsWith("."));
  const native = nativePackage(process.platform, process.arch);
  expect(names.sort()).toEqual(["@esbuild", "esbuild", "stepscope", native]);
  expect(sizeOf("stepscope")).toBeLessThan(LARGEST);
  expect(sizeOf(native)).toBeLessThan(LARGEST_NATIVE);
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

/** Bytes of the files of an installed package. */
function sizeOf(name: string): number {
  const folder = join(project, "node_modules", name);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return files
    .filter(file => file.isFile())
    .reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
}

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
