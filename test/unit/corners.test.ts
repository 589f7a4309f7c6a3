import { expect, test } from "vitest";
import { plannedRate } from "../../runtime/protocol/plannedRates.ts";
import { cornersOf } from "../../runtime/sidecar/corners.ts";
import { randomNumbers } from "./random.ts";

/** The greatest share by which the straight lines miss a point. */
function farthest(x: readonly number[], y: readonly number[], most: number): number {
  const corners = cornersOf({ x, y }, most);
  const plan = { group: 0, steps: corners.x, lr: corners.y, isOpen: false };
  return Math.max(...x.map((at, i) => Math.abs(plannedRate(plan, at) / (y[i] ?? 0) - 1)));
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

test("straight lines need their ends alone, and stairs the ends of each stair", () => {
  const x = upTo(100);
  expect(cornersOf({ x, y: x.map(at => 3 * at) }, 99)).toEqual({ x: [1, 100], y: [3, 300] });
  expect(cornersOf({ x, y: x.map(at => (at <= 40 ? 1 : 0.1)) }, 99)).toEqual({
    x: [1, 40, 41, 100],
    y: [1, 1, 0.1, 0.1],
  });
  expect(cornersOf({ x: [7], y: [0] }, 99)).toEqual({ x: [7], y: [0] });
  expect(cornersOf({ x: [], y: [] }, 99)).toEqual({ x: [], y: [] });
});

test("no point is missed by more than a thousandth of it, down to rates that are nearly 0", () => {
  const x = upTo(5000);
  const cosine = x.map(at => 1e-3 * (1 + Math.cos((Math.PI * at) / 5001)));
  expect(farthest(x, cosine, 256)).toBeLessThan(1.001e-3);
  const random = randomNumbers(3);
  let value = 1;
  const walk = x.map(() => (value *= 1 + 0.02 * (random() - 0.5)));
  expect(farthest(x, walk, 5000)).toBeLessThan(1.001e-3);
});

test("a curve that bends everywhere is told more roughly, or as far as the points go", () => {
  const x = upTo(5000);
  const rough = x.map(at => 1 + 0.004 * (at % 2));
  expect(cornersOf({ x, y: rough }, 256).x.at(-1)).toBe(5000);
  expect(farthest(x, rough, 256)).toBeLessThan(0.01);
  const comb = x.map(at => (at % 10 === 0 ? 1 : 1e-6));
  const corners = cornersOf({ x, y: comb }, 256);
  expect(corners.x).toHaveLength(256);
  expect(corners.x.at(-1)).toBeLessThan(1000);
});
