/** Where tensors stand in an arena. */
import { describe, expect, test } from "vitest";
import { layOut, splitIntoArenas } from "../../runtime/optim/segments.ts";

describe("layOut", () => {
  test("starts every tensor at a multiple of 256 bytes", () => {
    const { segments, floats } = layOut([1, 64, 65, 5000], 4096, 64);
    expect(segments.map(({ start }) => start)).toEqual([0, 64, 128, 256]);
    expect(floats).toBe(256 + 5056);
  });

  test("cuts tensors into chunks that cover every element once, in order", () => {
    const sizes = [1, 4096, 4097, 10_000];
    const { segments, chunks, words } = layOut(sizes, 4096, 64);
    const covered = sizes.map(() => 0);
    for (let c = 0; c < chunks; c++) {
      const at = (sizes.length + c) * 4;
      const [first = 0, count = 0, tensor = 0] = words.slice(at, at + 3);
      expect(first * 4).toBe((segments[tensor]?.start ?? 0) + (covered[tensor] ?? 0));
      covered[tensor] = (covered[tensor] ?? 0) + count;
    }
    expect(covered).toEqual(sizes);
    // First partial, partials, first float, elements.
    expect([...words.slice(8, 12)]).toEqual([2 * 64, 2 * 64, 4160, 4097]);
  });
});

describe("splitIntoArenas", () => {
  test("fills arenas in order up to the limits", () => {
    expect(splitIntoArenas([64, 64, 64], 128, 10)).toEqual([[0, 1], [2]]);
    expect(splitIntoArenas([1, 1, 1], 1000, 2)).toEqual([[0, 1], [2]]);
    expect(splitIntoArenas([64, 1000, 64], 128, 10)).toEqual([[0], [1], [2]]);
  });
});
