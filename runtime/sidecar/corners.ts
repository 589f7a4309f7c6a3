/** A curve by few of its points, from which straight lines lead to all others. */

export interface Curve {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** By how much of itself a value may differ from the straight line. */
const TOLERANCE = 1e-3;

/** A curve that bends at every point is given up so often, each time with twice the tolerance. */
const MOST_TRIES = 8;

/**
 * The first and the last point, and those between them at which the curve bends; at most `most`, with which it
 * may end early.
 */
export function cornersOf(curve: Curve, most: number): Curve {
  let found = keptPoints(curve, TOLERANCE);
  for (let tries = 1; tries <= MOST_TRIES && found.length > most; tries++) {
    found = keptPoints(curve, TOLERANCE * 2 ** tries);
  }
  const kept = found.slice(0, most);
  const at = (values: readonly number[]) => kept.map(i => values[i] ?? Number.NaN);
  return { x: at(curve.x), y: at(curve.y) };
}

/** Goes on from a point for as long as one straight line passes by all points since then. */
function keptPoints({ x, y }: Curve, tolerance: number): number[] {
  const point = (i: number) => [x[i] ?? Number.NaN, y[i] ?? Number.NaN] as const;
  const kept = x.length > 0 ? [0] : [];
  let [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let i = 1; i < x.length; i++) {
    let [fromX, fromY] = point(kept.at(-1) ?? 0);
    const [toX, toY] = point(i);
    const slope = (toY - fromY) / (toX - fromX);
    if (slope < low || slope > high) {
      kept.push(i - 1);
      [fromX, fromY] = point(i - 1);
      [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    }
    const room = Math.abs(toY) * tolerance;
    low = Math.max(low, (toY - room - fromY) / (toX - fromX));
    high = Math.min(high, (toY + room - fromY) / (toX - fromX));
  }
  if (x.length > 1) kept.push(x.length - 1);
  return kept;
}
