import { expect } from "vitest";

/** Allowed distance of an element: absolute + relative · |expected|. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** What a gradient and one optimizer step have to hold against PyTorch in float64. */
export const ONE_STEP: Tolerance = { relative: 1e-5, absolute: 1e-7 };

/** Fails with the worst element where a value is further than the tolerance from what is expected. */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance = ONE_STEP,
): void {
  expect(actual.length, `${what}: number of elements`).toBe(expected.length);
  let worst = { excess: 0, text: "" };
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [Number(actual[i]), Number(expected[i])];
    const allowed = tolerance.absolute + tolerance.relative * Math.abs(e);
    const excess = Object.is(a, e) || a === e ? 0 : Math.abs(a - e) / allowed;
    // NaN is never close, except to NaN.
    if (excess <= 1 || (Number.isNaN(a) && Number.isNaN(e))) continue;
    if (excess > worst.excess || Number.isNaN(excess)) {
      const text = `${what}: element ${i} is ${a}, expected ${e} (${excess.toFixed(1)} × tolerance)`;
      worst = { excess: Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess, text };
    }
  }
  expect(worst.text).toBe("");
}
