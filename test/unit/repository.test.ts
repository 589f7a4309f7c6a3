/** What a run keeps of the git repository that its script stands in. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readRepository } from "../../runtime/sidecar/repository.ts";

let folder: string;
let script: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "stepscope-git-")));
  mkdirSync(join(folder, "src"));
  script = join(folder, "src", "train.ts");
  writeFileSync(script, "export {};\n");
});

afterEach(() => rmSync(folder, { recursive: true }));

function git(...args: string[]): string {
  const identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
  return execFileSync("git", [...identity, ...args], { cwd: folder, encoding: "utf8" }).trim();
}

function commit(): string {
  git("init", "--quiet");
  git("add", ".");
  git("commit", "--quiet", "--message", "First");
  return git("rev-parse", "HEAD");
}

test("the commit, and the changes since, as a patch that gives them back", async () => {
  writeFileSync(join(folder, "model.ts"), "export const width = 8;\n");
  const hash = commit();
  expect(await readRepository(script)).toEqual({ record: { commit: hash, changedFiles: 0 } });

  writeFileSync(join(folder, "model.ts"), "export const width = 16;\n");
  writeFileSync(script, "export { width } from '../model.ts';\n");
  git("add", "model.ts");
  // What is not tracked is not git's.
  writeFileSync(join(folder, "notes.txt"), "…\n");
  git("config", "diff.external", "false");
  const changed = await readRepository(script);
  expect(changed?.record).toEqual({
    commit: hash,
    changedFiles: 2,
    patchHash: expect.stringMatching(/^[0-9a-f]{16}$/),
  });

  git("reset", "--quiet", "--hard");
  const patch = join(folder, "changes.patch");
  writeFileSync(patch, changed?.patch ?? "");
  git("apply", patch);
  expect((await readRepository(script))?.patch).toBe(changed?.patch);
});

test("changes that are too large are counted, and not kept", async () => {
  writeFileSync(join(folder, "data.csv"), "1\n");
  const hash = commit();
  writeFileSync(join(folder, "data.csv"), "0.5,0.25\n".repeat(200_000));
  expect(await readRepository(script)).toEqual({ record: { commit: hash, changedFiles: 1 } });
});

test("there is nothing to say without a repository, or before its first commit", async () => {
  expect(await readRepository(script)).toBeUndefined();
  git("init", "--quiet");
  expect(await readRepository(script)).toBeUndefined();
});
