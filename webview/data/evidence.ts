import type { Range } from "./scale.ts";

/** Values further apart than this are compared by their ratio. */
const WIDE = 20;

/** Room at both ends of a picture, as a share of what it shows. */
const MARGIN = 0.12;

/** Where the healthy range and the value lie in a picture, as shares of its width. */
export interface Placement {
  readonly expected: Range;
  readonly value: number;
}

/** Places a value and the range that healthy runs stay in on one scale, logarithmic where they lie far apart. */
export function placeEvidence(value: number, [low, high]: readonly [number, number]): Placement {
  const least = Math.min(value, low);
  const most = Math.max(value, high);
  const isLog = least > 0 && most / least > WIDE;
  const scaled = (x: number) => (isLog ? Math.log(x) : x);
  const from = scaled(least);
  const width = scaled(most) - from || 1;
  const share = (x: number) => MARGIN + ((scaled(x) - from) / width) * (1 - 2 * MARGIN);
  return { expected: [share(low), share(high)], value: share(value) };
}
