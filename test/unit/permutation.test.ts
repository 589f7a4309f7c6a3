import { expect, test } from "vitest";
import { permutation } from "../../runtime/tensor/permutation.ts";
import { philox } from "../../runtime/tensor/philox.ts";

/** The generator that a loader shuffles with. */
function generator(seed: number): () => number {
  let i = 0;
  return () => philox(i++, seed, 0);
}

test("every number occurs once", () => {
  for (const count of [0, 1, 2, 1000]) {
    const sorted = permutation(count, generator(1)).sort();
    expect([...sorted]).toEqual(Array.from({ length: count }, (_, i) => i));
  }
});

test("equal numbers give equal orders", () => {
  const order = permutation(50, generator(7));
  expect(permutation(50, generator(7))).toEqual(order);
  expect(permutation(50, generator(8))).not.toEqual(order);
});

test("every order is as probable as every other", () => {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 24_000; seed++) {
    const order = permutation(4, generator(seed)).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(24);
  // χ² with 23 degrees of freedom stays below 49.7 in 999 of 1000 fair shuffles.
  let chiSquare = 0;
  for (const count of counts.values()) chiSquare += (count - 1000) ** 2 / 1000;
  expect(chiSquare).toBeLessThan(49.7);
});
