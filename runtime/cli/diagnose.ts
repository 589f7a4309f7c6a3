/** `stepscope diagnose TRACE`: what the diagnosis says of runs that are over. */
import { createReadStream } from "node:fs";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { replay } from "../insight/diagnosis/replay.ts";
import { readTrace } from "../insight/diagnosis/trace.ts";
import { EXIT } from "./exit.ts";

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

/**
 * Prints one JSON object a run. `file` may be compressed by gzip; `-` is standard input.
 * @throws an error that names the file, and the line where one is wrong.
 */
export async function diagnoseTrace(file: string): Promise<number> {
  const name = file === "-" ? "standard input" : file;
  const text = (await read(file, name)).toString();
  for (const run of readTrace(text.split("\n"), name)) {
    process.stdout.write(`${JSON.stringify(replay(run))}\n`);
  }
  return EXIT.completed;
}

async function read(file: string, name: string): Promise<Buffer> {
  try {
    const bytes = await buffer(file === "-" ? process.stdin : createReadStream(file));
    return bytes.subarray(0, 2).equals(GZIP_MAGIC) ? gunzipSync(bytes) : bytes;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name} cannot be read: ${reason}`, { cause: error });
  }
}
