/**
 * What was learnt about kernels on this adapter, kept on disk from one process to the next: small files
 * in the user's cache folder. Nothing depends on them: what cannot be read or written is done without.
 */
import { createHash } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { gpu } from "./device.ts";

/** Names another folder; where it is empty, nothing is kept. */
export const CACHE_VARIABLE = "STEPSCOPE_CACHE";

/** Files that are kept: those written last. */
const MOST_FILES = 100;

/** Whether anything is kept from one process to the next. */
export function isCacheKept(): boolean {
  return cacheFolder() !== undefined;
}

/** What is kept under a name for this adapter and its driver; undefined if nothing is, or if it is damaged. */
export function readCache(name: string): unknown {
  const folder = cacheFolder();
  if (!folder) return undefined;
  try {
    return JSON.parse(gunzipSync(readFileSync(join(folder, fileOf(name)))).toString());
  } catch {
    return undefined;
  }
}

/** Keeps a value under a name for this adapter and its driver. */
export function writeCache(name: string, value: unknown): void {
  const folder = cacheFolder();
  if (!folder) return;
  const file = join(folder, fileOf(name));
  const unfinished = `${file}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(unfinished, gzipSync(JSON.stringify(value)));
    renameSync(unfinished, file);
    forgetOldest(folder);
  } catch {
    // A full or read-only disk: the next process learns it again.
  }
}

/** The adapter's description has the driver's version in it. */
function fileOf(name: string): string {
  const key = JSON.stringify([name, gpu.adapter]);
  return `${createHash("sha256").update(key).digest("hex").slice(0, 32)}.gz`;
}

function cacheFolder(): string | undefined {
  const chosen = process.env[CACHE_VARIABLE];
  if (chosen !== undefined) return chosen || undefined;
  switch (process.platform) {
    case "darwin":
      return join(homedir(), "Library", "Caches", "stepscope");
    case "win32":
      return join(process.env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "stepscope");
    default:
      return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "stepscope");
  }
}

function forgetOldest(folder: string): void {
  const files = readdirSync(folder).map(file => join(folder, file));
  if (files.length <= MOST_FILES) return;
  const byAge = files
    .map(file => ({ file, written: statSync(file).mtimeMs }))
    .sort((a, b) => b.written - a.written);
  for (const { file } of byAge.slice(MOST_FILES)) rmSync(file);
}
