import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { installOnce, unpackTar } from "../host/archive.ts";

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

describe("an archive", () => {
  /** Writes a compressed archive of one file, `a`, made of what `change` makes of it. */
  function archive(change: (tar: Buffer) => Buffer): string {
    writeFileSync(join(root, "a"), "text");
    const { stdout } = spawnSync("tar", ["--create", "--directory", root, "a"]);
    const params = { [constants.BROTLI_PARAM_QUALITY]: 1 };
    writeFileSync(join(root, "a.tar.br"), brotliCompressSync(change(stdout), { params }));
    mkdirSync(join(root, "out"));
    return join(root, "a.tar.br");
  }

  test("may go on behind its end mark, where tar stops to read", async () => {
    const file = archive(tar => Buffer.concat([tar, Buffer.alloc(2 ** 24)]));
    await unpackTar(file, join(root, "out"));
    expect(readFileSync(join(root, "out", "a"), "utf8")).toBe("text");
  });

  test("that is cut short is refused", async () => {
    const file = archive(tar => tar.subarray(0, 514));
    await expect(unpackTar(file, join(root, "out"))).rejects.toThrow("tar failed with exit code 2");
  });
});
