/**
 * Compresses an archive anew, as far as the format goes. Node's zlib is Chromium's, which is fast: by
 * what it leaves, the package for Windows on ARM would be too large.
 */
import { readFile, writeFile } from "node:fs/promises";
import {
  configure,
  Uint8ArrayReader,
  Uint8ArrayWriter,
  ZipReader,
  ZipWriter,
} from "@zip.js/zip.js";

// Its own compression, not that of Node.
configure({ useCompressionStream: false, useWebWorkers: false });

/** Writes the entries of the archive `from` to `to`: the same, in the same order, with the same times. */
export async function compress(from: string, to: string): Promise<void> {
  const reader = new ZipReader(new Uint8ArrayReader(await readFile(from)));
  const writer = new ZipWriter(new Uint8ArrayWriter(), {
    level: 9,
    dataDescriptor: false,
    extendedTimestamp: false,
  });
  for (const entry of await reader.getEntries()) {
    if (entry.directory) continue;
    const { filename, lastModDate, externalFileAttributes, versionMadeBy } = entry;
    const content = new Uint8ArrayReader(await entry.getData(new Uint8ArrayWriter()));
    await writer.add(filename, content, { lastModDate, externalFileAttributes, versionMadeBy });
  }
  await writeFile(to, await writer.close());
}
