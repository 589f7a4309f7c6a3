/** What git knows of the place that a script stands in: which commit, and what was changed since. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { RepositoryRecord } from "../protocol/run.ts";
import { shortHash } from "../store/hash.ts";

/** Most characters of a diff that a run keeps: code that was being worked on, and no rewritten data. */
const MAX_PATCH = 1024 ** 2;

/** A repository on a slow disk must not hold up the end of a run. */
const TIMEOUT_MS = 10_000;

export interface Repository {
  readonly record: RepositoryRecord;
  /** The changes as `git apply` takes them; missing where there are none, or more than are kept. */
  readonly patch?: string;
}

/**
 * The state of the repository that holds a script; undefined where there is none, no commit, or no git.
 * Files that git does not track are no part of it. Of binary files the patch has the hashes alone.
 */
export async function readRepository(script: string): Promise<Repository | undefined> {
  const folder = dirname(script);
  // On a Mac without developer tools the mere call of git would ask its user to install them.
  if (!isInRepository(folder)) return undefined;
  const git = gitIn(folder);
  try {
    const [commit, files, patch] = await Promise.all([
      git("rev-parse", "--verify", "HEAD"),
      git("diff", "HEAD", "--name-only", "-z"),
      // A diff as git makes it by itself, whatever the user's configuration shows.
      git("diff", "HEAD", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color").catch(
        unlessTooLong,
      ),
    ]);
    const changedFiles = files.split("\0").length - 1;
    const record = { commit: commit.trim(), changedFiles };
    if (!patch) return { record };
    return { record: { ...record, patchHash: shortHash(patch) }, patch };
  } catch {
    return undefined;
  }
}

/** Whether a folder, or one above it, is the top of a repository or of a work tree. */
function isInRepository(folder: string): boolean {
  const above = dirname(folder);
  return existsSync(join(folder, ".git")) || (above !== folder && isInRepository(above));
}

function gitIn(folder: string) {
  return async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)("git", args, {
      cwd: folder,
      // Looking at a repository must not lock it for somebody who works there.
      env: { ...process.env, GIT_OPTIONAL_LOCKS: "0" },
      maxBuffer: MAX_PATCH,
      timeout: TIMEOUT_MS,
      windowsHide: true,
    });
    return stdout;
  };
}

function unlessTooLong(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") throw error;
}
