/** Files that are there whole or not at all, whenever the process or the machine dies. */
import { randomBytes } from "node:crypto";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

const TEMPORARY = ".tmp";

/**
 * Writes a file under another name, forces it to the disk, and puts it in the place of `path`: a
 * reader sees the old file or the new one.
 */
export async function writeAtomically(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const unique = randomBytes(4).toString("hex");
  const temporary = join(dirname(path), `.${basename(path)}.${unique}${TEMPORARY}`);
  try {
    await withFile(temporary, "wx", async file => {
      for await (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Removes what was left of files that were being written when a process was killed. */
export async function removeUnfinished(folder: string): Promise<void> {
  const names = await readdir(folder);
  const unfinished = names.filter(name => name.startsWith(".") && name.endsWith(TEMPORARY));
  await Promise.all(unfinished.map(name => rm(join(folder, name), { force: true })));
}

/** Opens a file, and closes it whatever happens. */
export async function withFile<T>(
  path: string,
  mode: string,
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, mode);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Forces the names in a folder to the disk, where the system can: Windows does so by itself. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  await withFile(folder, "r", file => file.sync());
}
