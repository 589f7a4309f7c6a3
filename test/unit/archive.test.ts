import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { installOnce } from "../host/archive.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stepscope-test-"));
});
afterEach(() => rmSync(root, { recursive: true }));

test("an installation that fails leaves nothing, and the next one starts afresh", async () => {
  const folder = join(root, "tool");
  const interrupted = installOnce(folder, async temporary => {
    writeFileSync(join(temporary, "half"), "");
    throw new Error("the network went away");
  });
  await expect(interrupted).rejects.toThrow("the network went away");
  expect(readdirSync(root)).toEqual([]);

  await installOnce(folder, async temporary => writeFileSync(join(temporary, "whole"), ""));
  expect(readdirSync(folder)).toEqual(["whole"]);
});

test("of two installations at once one wins, and a later one does nothing", async () => {
  const folder = join(root, "tool");
  const install = (name: string) =>
    installOnce(folder, async temporary => writeFileSync(join(temporary, "name"), name));
  await Promise.all([install("a"), install("b")]);
  await install("c");
  expect(readdirSync(root)).toEqual(["tool"]);
  expect(["a", "b"]).toContain(readFileSync(join(folder, "name"), "utf8"));
});
