/** An additive scorecard: points for each class from each feature, summed, made to probabilities. */
import type { FeatureName, Features } from "./signals.ts";

/** What a learning rate can be, apart from diverging. */
export const CLASSES = ["small", "right", "large"] as const;

export type Class = (typeof CLASSES)[number];

/** Points of a feature: piecewise linear between the knots, constant beyond the ends. */
export interface Points {
  readonly knots: readonly number[];
  /** For each class, points at the knots. */
  readonly points: readonly (readonly number[])[];
}

export interface Scorecard {
  readonly intercept: readonly number[];
  readonly features: Readonly<Partial<Record<FeatureName, Points>>>;
}

/** Indices of the knots around a value, and the share of each; nothing for a value that is NaN. */
export function hats(
  knots: readonly number[],
  value: number,
): readonly (readonly [number, number])[] {
  if (Number.isNaN(value) || knots.length === 0) return [];
  const above = knots.findIndex(knot => knot >= value);
  if (above < 0) return [[knots.length - 1, 1]];
  if (above === 0) return [[0, 1]];
  const [low = 0, high = 0] = [knots[above - 1], knots[above]];
  const share = (value - low) / (high - low);
  return [
    [above - 1, 1 - share],
    [above, share],
  ];
}

/** Points that each feature gives each class. */
export function contributions(
  card: Scorecard,
  values: Features,
): ReadonlyMap<FeatureName, readonly number[]> {
  const result = new Map<FeatureName, readonly number[]>();
  for (const [name, { knots, points }] of Object.entries(card.features) as [
    FeatureName,
    Points,
  ][]) {
    const around = hats(knots, values[name]);
    result.set(
      name,
      points.map(of => around.reduce((sum, [at, share]) => sum + share * (of[at] ?? 0), 0)),
    );
  }
  return result;
}

/** Probability of each class, in the order of CLASSES. */
export function score(card: Scorecard, values: Features): readonly number[] {
  const sums = [...card.intercept];
  for (const points of contributions(card, values).values())
    points.forEach((p, c) => {
      sums[c] = (sums[c] ?? 0) + p;
    });
  const most = Math.max(...sums);
  const raised = sums.map(sum => Math.exp(sum - most));
  const total = raised.reduce((a, b) => a + b, 0);
  return raised.map(value => value / total);
}
