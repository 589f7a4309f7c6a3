/** Columns of numbers as SQLite keeps them: their little-endian bytes, with a CRC-32. */
import { crc32 } from "node:zlib";

type Numbers = Float64Array | Float32Array | Uint32Array;

/** The bytes of a column, without a copy. */
export function bytesOf({ buffer, byteOffset, byteLength }: Numbers): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The CRC-32 over the bytes of several columns. */
export function checksum(columns: readonly Uint8Array[]): number {
  return columns.reduce((crc, bytes) => crc32(bytes, crc), 0);
}

/** The bytes of a blob as a buffer of their own, in which numbers are aligned. Throws if it is none. */
export function bufferOf(value: unknown): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytesIn(value);
  const isWhole = byteOffset === 0 && byteLength === buffer.byteLength;
  return (isWhole ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)) as ArrayBuffer;
}

/** The bytes of a blob. Throws if it is none. */
export function bytesIn(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Error("a column is missing");
}
