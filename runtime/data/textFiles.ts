/** Reads text files piece by piece, so that they may be larger than memory; `.gz` is unpacked. */
import { createReadStream } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/**
 * The rows of a CSV file (RFC 4180), the header as well where there is one. Empty lines are left out.
 * @throws Error if the file cannot be read, or ends inside of quotes.
 */
export async function* readCsv(
  path: string,
  { delimiter = "," }: { delimiter?: string } = {},
): AsyncGenerator<string[], void, undefined> {
  let row: string[] = [];
  let field = "";
  let isQuoted = false;
  /** Behind a quote that may be the first of two, which are one. */
  let isClosed = false;
  for await (const chunk of characters(path)) {
    for (const character of chunk) {
      if (isQuoted) {
        isClosed = character === '"';
        if (isClosed) isQuoted = false;
        else field += character;
        continue;
      }
      if (character === '"' && (isClosed || field === "")) {
        if (isClosed) field += character;
        isQuoted = true;
      } else if (character === delimiter || character === "\n") {
        row.push(field);
        field = "";
        if (character === "\n") {
          if (row.length > 1 || row[0] !== "") yield row;
          row = [];
        }
      } else if (character !== "\r") field += character;
      isClosed = false;
    }
  }
  if (isQuoted) throw new Error(`${path}: a quote is not closed`);
  if (row.length > 0 || field !== "") yield [...row, field];
}

/**
 * The values of a file with one JSON value a line. Empty lines are left out.
 * @throws Error that names file and line where that is no JSON.
 */
export async function* readJsonLines(path: string): AsyncGenerator<unknown, void, undefined> {
  let line = 0;
  let rest = "";
  for await (const chunk of characters(path)) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) {
      line++;
      if (text.trim()) yield parse(text, line);
    }
  }
  if (rest.trim()) yield parse(rest, line + 1);

  function parse(text: string, number: number): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(`${path}:${number}: ${error instanceof Error ? error.message : error}`);
    }
  }
}

/** Samples of a stream in lists of `batchSize`; the last one may be smaller. */
export async function* batched<Sample>(
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  batchSize: number,
): AsyncGenerator<Sample[], void, undefined> {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batched: batchSize should be a positive integer, got ${batchSize}`);
  }
  let batch: Sample[] = [];
  for await (const sample of samples) {
    if (batch.push(sample) < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function* characters(path: string): AsyncGenerator<string, void, undefined> {
  const file = createReadStream(path);
  const bytes: Readable = path.endsWith(".gz") ? pipeline(file, createGunzip(), () => {}) : file;
  bytes.setEncoding("utf8");
  let isFirst = true;
  for await (const chunk of bytes as AsyncIterable<string>) {
    yield isFirst ? chunk.replace(/^\ufeff/, "") : chunk;
    isFirst = false;
  }
}
