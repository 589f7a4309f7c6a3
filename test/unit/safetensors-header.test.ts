/** The header of safetensors files: what is refused, and with which words. */
import { expect, test } from "vitest";
import { encodeHeader, headerLength, parseHeader } from "../../runtime/checkpoint/header.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const parse = (header: unknown, dataBytes: number) =>
  parseHeader(bytes(JSON.stringify(header)), dataBytes);
const entry = (begin: number, end: number, more: object = {}) => ({
  dtype: "F32",
  shape: [(end - begin) / 4],
  data_offsets: [begin, end],
  ...more,
});

test("what is written is read, and takes a multiple of eight bytes", () => {
  const header = {
    entries: new Map([
      ["läyer.weight", { dtype: "F32", shape: [2, 3], begin: 0, end: 24 } as const],
    ]),
    metadata: { format: "pt" },
  };
  const encoded = encodeHeader(header);
  const length = headerLength(encoded, encoded.length + 24);
  expect(encoded.length).toBe(8 + length);
  expect(length % 8).toBe(0);
  expect(parseHeader(encoded.subarray(8), 24)).toEqual(header);
});

test("a length that the file does not have is refused", () => {
  const prefix = (length: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(length);
    return new Uint8Array(buffer);
  };
  expect(() => headerLength(bytes("1234"), 4)).toThrow("it has 4 bytes, fewer than 8");
  expect(() => headerLength(prefix(93n), 100)).toThrow("claims 93 bytes, and the file ends before");
  expect(headerLength(prefix(92n), 100)).toBe(92);
  expect(() => headerLength(prefix(2n ** 63n), 100)).toThrow(
    "claims 9223372036854775808 bytes, and at most 100000000 are allowed",
  );
});

test.each([
  ["no JSON", bytes("{]"), "no JSON in UTF-8"],
  ["no UTF-8", new Uint8Array([123, 34, 255, 34, 125]), "no JSON in UTF-8"],
  ["an array", bytes("[]"), "does not begin with {"],
  ["a space in front", bytes(" {}"), "does not begin with {"],
])("a header that is %s is refused", (_, header, message) => {
  expect(() => parseHeader(header, 0)).toThrow(message);
});

test.each([
  ["metadata of numbers", { __metadata__: { a: 1 } }, 0, "metadata should be an object of strings"],
  ["a number", { a: 1 }, 0, "tensor a is no object"],
  ["an unknown field", { a: entry(0, 4, { offset: 1 }) }, 4, 'a field "offset"'],
  ["an unknown dtype", { a: entry(0, 4, { dtype: "F4" }) }, 4, 'a has the dtype "F4"'],
  ["an inherited dtype", { a: entry(0, 4, { dtype: "toString" }) }, 4, 'the dtype "toString"'],
  ["a negative size", { a: entry(0, 4, { shape: [-1] }) }, 4, "a has the shape [-1]"],
  ["half a size", { a: entry(0, 4, { shape: [0.5] }) }, 4, "a has the shape [0.5]"],
  ["three offsets", { a: entry(0, 4, { data_offsets: [0, 4, 8] }) }, 4, "the offsets [0,4,8]"],
  ["a negative offset", { a: entry(-4, 0) }, 0, "the offsets [-4,0]"],
  ["too few bytes", { a: entry(0, 4, { shape: [2] }) }, 4, "shape [2] needs 8 bytes, and has 4"],
  ["a size that overflows", { a: entry(0, 8, { shape: [2 ** 52, 2 ** 52] }) }, 8, "needs"],
  ["an overlap", { a: entry(0, 8), b: entry(4, 8) }, 8, "tensor b overlaps another one"],
  ["a hole", { a: entry(0, 4), b: entry(8, 12) }, 12, "a hole of 4 bytes before tensor b"],
  ["a place behind the end", { a: entry(0, 8) }, 4, "tensor a ends behind the end of the file"],
  ["bytes of nobody", { a: entry(0, 4) }, 8, "4 bytes at its end belong to no tensor"],
])("%s is refused", (_, header, dataBytes, message) => {
  expect(() => parse(header, dataBytes)).toThrow(message);
});

test("a tensor cannot have the name of the metadata", () => {
  const entries = new Map([
    ["__metadata__", { dtype: "F32", shape: [], begin: 0, end: 4 } as const],
  ]);
  expect(() => encodeHeader({ entries, metadata: {} })).toThrow("__metadata__");
});
