/**
 * The header of a safetensors file, by the format's definition
 * (https://github.com/huggingface/safetensors#format): eight bytes with its length, little-endian,
 * then JSON that gives name, dtype, shape and place of every tensor; then their bytes, without holes.
 */

/** Bytes of an element by safetensors' names of dtypes, of those that can be read. */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

export type FileDtype = keyof typeof DTYPE_BYTES;

/** A tensor of a file. */
export interface Entry {
  readonly dtype: FileDtype;
  readonly shape: readonly number[];
  /** First byte, and the one after the last, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes in front of the header, which hold its length. */
export const LENGTH_BYTES = 8;

/** The limit of the reference implementation, against files that only claim to be long. */
const MAX_HEADER_BYTES = 100_000_000;

const METADATA = "__metadata__";

/**
 * The length of a header.
 * @param prefix the first eight bytes of the file, or all if there are fewer.
 * @throws Error that says what is wrong with the file.
 */
export function headerLength(prefix: Uint8Array, fileBytes: number): number {
  if (prefix.length < LENGTH_BYTES) throw bad(`it has ${fileBytes} bytes, fewer than 8`);
  const view = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES);
  const length = view.getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw bad(`its header claims ${length} bytes, and at most ${MAX_HEADER_BYTES} are allowed`);
  }
  if (Number(length) > fileBytes - LENGTH_BYTES) {
    throw bad(`its header claims ${length} bytes, and the file ends before`);
  }
  return Number(length);
}

/**
 * Reads a header, and checks everything that it claims.
 * @param dataBytes bytes of the file behind the header.
 * @throws Error that says what is wrong with the file.
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number): Header {
  const { [METADATA]: metadata = {}, ...tensors } = parseJson(bytes);
  if (!isObject(metadata) || !Object.values(metadata).every(value => typeof value === "string")) {
    throw bad("its metadata should be an object of strings");
  }
  const entries = new Map(
    Object.entries(tensors).map(([name, value]) => [name, parseEntry(name, value)]),
  );
  checkPlaces(entries, dataBytes);
  return { entries, metadata: metadata as Record<string, string> };
}

/** The bytes in front of the tensors' own: the length and the header, padded to a multiple of 8. */
export function encodeHeader({ entries, metadata }: Header): Uint8Array {
  const tensors = [...entries].map(([name, { dtype, shape, begin, end }]) => {
    if (name === METADATA) throw new Error(`A tensor cannot have the name "${METADATA}".`);
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const json = Buffer.from(
    JSON.stringify({ [METADATA]: metadata, ...Object.fromEntries(tensors) }),
  );
  if (json.length > MAX_HEADER_BYTES) {
    throw new RangeError(
      `The header would take ${json.length} bytes, and ${MAX_HEADER_BYTES} are allowed: names and ` +
        "other values than tensors stand there",
    );
  }
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(LENGTH_BYTES + length, " ");
  bytes.writeBigUInt64LE(BigInt(length));
  json.copy(bytes, LENGTH_BYTES);
  return bytes;
}

function parseJson(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  if (bytes[0] !== "{".charCodeAt(0)) throw bad("its header does not begin with {");
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw bad("its header is no JSON in UTF-8");
  }
  if (!isObject(value)) throw bad("its header is no JSON object");
  return value;
}

function parseEntry(name: string, value: unknown): Entry {
  if (!isObject(value)) throw bad(`tensor ${name} is no object`);
  const { dtype, shape, data_offsets: offsets, ...others } = value;
  const [other] = Object.keys(others);
  if (other !== undefined) throw bad(`tensor ${name} has a field "${other}" that is not defined`);
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    throw new Error(
      `tensor ${name} has the dtype ${JSON.stringify(dtype)}, which cannot be read; ` +
        `${Object.keys(DTYPE_BYTES).join(", ")} can`,
    );
  }
  if (!isCounts(shape)) throw bad(`tensor ${name} has the shape ${JSON.stringify(shape)}`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw bad(`tensor ${name} has the offsets ${JSON.stringify(offsets)}`);
  }
  const [begin = 0, end = 0] = offsets;
  const entry = { dtype: dtype as FileDtype, shape, begin, end };
  const expected = shape.reduce((product, size) => product * size, DTYPE_BYTES[entry.dtype]);
  if (end - begin !== expected) {
    throw bad(
      `tensor ${name} of dtype ${dtype} and shape [${shape.join(", ")}] needs ${expected} bytes, ` +
        `and has ${end - begin}`,
    );
  }
  return entry;
}

/** One tensor begins where another one ends, and the last one ends with the file. */
function checkPlaces(entries: ReadonlyMap<string, Entry>, dataBytes: number): void {
  const inOrder = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const [name, { begin, end }] of inOrder) {
    if (begin < at) throw bad(`tensor ${name} overlaps another one`);
    if (begin > at) throw bad(`there is a hole of ${begin - at} bytes before tensor ${name}`);
    if (end > dataBytes) throw bad(`tensor ${name} ends behind the end of the file`);
    at = end;
  }
  if (at < dataBytes) throw bad(`${dataBytes - at} bytes at its end belong to no tensor`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(count => Number.isSafeInteger(count) && count >= 0);
}

function bad(reason: string): Error {
  return new Error(`not a valid safetensors file: ${reason}`);
}
