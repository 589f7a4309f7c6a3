import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { installedCommand, installedSidecar } from "../../runtime/client/installed.ts";

let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "stepscope-installed-")));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text = ""): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

function install(folder: string): string {
  const manifest = { name: "stepscope", exports: { "./package.json": "./package.json" } };
  write(`${folder}/node_modules/stepscope/package.json`, JSON.stringify(manifest));
  return write(`${folder}/node_modules/stepscope/dist/sidecar.js`);
}

it("is that of the project, or of a folder above it", () => {
  const script = write("packages/a/src/train.ts");
  expect(installedSidecar(script)).toBeUndefined();
  const hoisted = install(".");
  expect(installedSidecar(script)).toBe(hoisted);
  const own = install("packages/a");
  expect(installedSidecar(script)).toBe(own);
});

it("is nothing where the package has no sidecar", () => {
  const script = write("train.ts");
  write("node_modules/stepscope/package.json", '{"name":"stepscope"}');
  expect(installedSidecar(script)).toBeUndefined();
});

it("brings its command line", () => {
  const script = write("packages/a/train.ts");
  expect(installedCommand(script)).toBeUndefined();
  install(".");
  const command = write("node_modules/stepscope/dist/stepscope.js");
  expect(installedCommand(script)).toBe(command);
});
