/** Columns that were read of a run stay in memory, but not all of them. */
import { expect, test } from "vitest";
import { BlobCache } from "../../runtime/store/blobCache.ts";

const MIB = 2 ** 20;

test("what was asked for last is read once, and the rest makes room", () => {
  const cache = new BlobCache();
  const read: string[] = [];
  const get = (key: string, bytes = 16 * MIB) =>
    cache.get(key, () => {
      read.push(key);
      return { width: 8, data: new ArrayBuffer(bytes) };
    });
  const first = get("a");
  expect(get("a")).toBe(first);
  for (const key of ["b", "c", "a", "d"]) get(key);
  expect(read).toEqual(["a", "b", "c", "d"]);
  // 48 MiB have room for three: b was asked for longest ago.
  for (const key of ["a", "c", "d", "b"]) get(key);
  expect(read).toEqual(["a", "b", "c", "d", "b"]);
  // One that is larger than all room is there once.
  expect(get("large", 64 * MIB)?.data.byteLength).toBe(64 * MIB);
  get("small", 1);
  get("large", 64 * MIB);
  expect(read).toEqual(["a", "b", "c", "d", "b", "large", "small", "large"]);
});

test("a column that is not there is looked for again", () => {
  const cache = new BlobCache();
  expect(cache.get("a", () => undefined)).toBe(undefined);
  expect(cache.get("a", () => ({ width: 1, data: new ArrayBuffer(8) }))?.width).toBe(1);
});
