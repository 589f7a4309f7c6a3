/** The npm package as its users get it: packed, unpacked, type-checked and run. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");

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
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

const SCRIPT = `
import { type Tensor, nn, optim, tensor } from "stepscope";

const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Tanh(), new nn.Linear(3, 1));
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 });
const loss: Tensor = new nn.MSELoss().forward(model.forward(tensor([[1, 2]])), tensor([[3]]));
loss.backward();
await optimizer.step();
const value: number = await loss.item();
console.log(Number.isFinite(value));
`;

test("a training script type-checks under --strict and runs under plain Node", () => {
  writeFileSync(join(project, "train.ts"), SCRIPT);
  expect(check("train.ts")).toBe("");
  const output = execFileSync(process.execPath, ["train.ts"], { cwd: project, encoding: "utf8" });
  expect(output).toBe("true\n");
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
function check(file: string): string {
  const options = ["--strict", "--noEmit", "--target", "es2023", "--module", "nodenext"];
  const types = ["--types", "node", "--typeRoots", join(ROOT, "node_modules/@types")];
  try {
    execFileSync(process.execPath, [TSC, ...options, ...types, file], { cwd: project });
    return "";
  } catch (error) {
    if (error instanceof Error && "stdout" in error) return String(error.stdout);
    throw error;
  }
}
