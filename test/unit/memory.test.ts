import { expect, test } from "vitest";
import type { Lifetime } from "../../runtime/graph/memory.ts";
import { ALIGNMENT, aligned, place } from "../../runtime/graph/memory.ts";
import { randomNumbers } from "./random.ts";

test("values that are alive together never overlap, and others share bytes", () => {
  const random = randomNumbers(1);
  const next = (n: number) => Math.floor(random() * n);
  for (let round = 0; round < 200; round++) {
    const values: Lifetime[] = Array.from({ length: 1 + next(40) }, () => {
      const start = next(50) - 1;
      return { bytes: next(5000), start, end: start + next(20) };
    });
    const { offsets, bytes } = place(values);
    values.forEach((a, i) => {
      const begin = offsets[i] ?? -1;
      expect(begin % ALIGNMENT).toBe(0);
      expect(begin + aligned(a.bytes)).toBeLessThanOrEqual(bytes);
      values.forEach((b, j) => {
        if (i === j || a.start > b.end || b.start > a.end) return;
        const other = offsets[j] ?? -1;
        expect(begin + aligned(a.bytes) <= other || other + aligned(b.bytes) <= begin).toBe(true);
      });
    });
  }
});

test("a chain of temporaries needs the bytes of two", () => {
  const chain = Array.from({ length: 10 }, (_, i) => ({ bytes: 1024, start: i, end: i + 1 }));
  expect(place(chain).bytes).toBe(2048);
});
