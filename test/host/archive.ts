/** Unpacks what `@sparticuz/chromium` carries: Brotli-compressed files and tar archives. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

/** Path of a file in `@sparticuz/chromium`'s `bin` folder, such as `swiftshader.tar.br`. */
export function chromiumArchive(name: string): string {
  const entry = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  return join(dirname(entry), "..", "bin", name);
}

/**
 * Unpacks a Brotli-compressed tar archive, or only `members` of it, into a folder that exists.
 * tar ends at the archive's end mark and may leave padding behind it unread, which breaks the pipe;
 * so its exit code alone decides, and a pipe that broke earlier is an archive cut short to it.
 */
export async function unpackTar(
  archive: string,
  folder: string,
  members: readonly string[] = [],
): Promise<void> {
  const tar = spawn("tar", ["--extract", "--no-same-owner", "--directory", folder, ...members], {
    stdio: ["pipe", "inherit", "inherit"],
  });
  const exited = once(tar, "exit");
  const piped = pipeline(createReadStream(archive), createBrotliDecompress(), tar.stdin);
  const [[code], [pipe]] = await Promise.all([exited, Promise.allSettled([piped])]);
  if (code === 0) return;
  const cause = pipe.status === "rejected" ? pipe.reason : undefined;
  throw new Error(`tar failed with exit code ${code} on ${archive}`, { cause });
}

/** Unpacks one Brotli-compressed file and makes it executable. */
export async function unpackExecutable(archive: string, file: string): Promise<void> {
  await pipeline(createReadStream(archive), createBrotliDecompress(), createWriteStream(file));
  await chmod(file, 0o755);
}

/**
 * Makes `folder` once: `fill` gets an empty folder beside it, which takes its name only when it is
 * complete. An interrupted installation leaves nothing that looks finished, and of two that race
 * the first one wins.
 */
export async function installOnce(
  folder: string,
  fill: (temporary: string) => Promise<void>,
): Promise<void> {
  if (existsSync(folder)) return;
  await mkdir(dirname(folder), { recursive: true });
  const temporary = await mkdtemp(`${folder}.partial-`);
  try {
    await fill(temporary);
    await chmod(temporary, 0o755);
    await rename(temporary, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
