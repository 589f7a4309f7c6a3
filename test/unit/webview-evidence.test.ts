/** A number of the evidence beside the range of healthy runs. */
import { expect, it } from "vitest";
import { placeEvidence } from "../../webview/data/evidence.ts";

it("has a share of room at both ends, and lies as the numbers do", () => {
  const { expected, value } = placeEvidence(1.5, [1, 2]);
  expect(expected[0]).toBeCloseTo(0.12);
  expect(expected[1]).toBeCloseTo(0.88);
  expect(value).toBeCloseTo(0.5);
});

it("compares what lies far apart by ratios", () => {
  const { expected, value } = placeEvidence(100, [1, 10]);
  expect(value).toBeCloseTo(0.88);
  expect(expected[1] - expected[0]).toBeCloseTo(value - expected[1]);
});

it.each([
  [0, [0, 0]],
  [-1, [0, 1e6]],
] as const)("stays within the picture for %f beside %j", (value, expected) => {
  const placed = placeEvidence(value, expected);
  for (const share of [placed.value, ...placed.expected]) {
    expect(share).toBeGreaterThanOrEqual(0);
    expect(share).toBeLessThanOrEqual(1);
  }
});
