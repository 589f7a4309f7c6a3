import type { ScaleKind } from "../../runtime/protocol/place.ts";

export type { ScaleKind };

export type Range = readonly [low: number, high: number];

/** Share of the axis that stays free above and below the values. */
const MARGIN = 0.06;

/** End of an axis, far enough from the largest number to compute with spans. */
const LARGEST = 8e307;

/**
 * The y domain that shows all values from `low` to `high` with a margin; a constant stands in the
 * middle. Without values (low > high) it is 0 … 1, or 0.1 … 1.
 */
export function yDomain(low: number, high: number, scale: ScaleKind): Range {
  if (!(low <= high)) return scale === "log" ? [0.1, 1] : [0, 1];
  if (scale === "log") {
    const margin = Math.max((Math.log(high) - Math.log(low)) * MARGIN, Math.log(1.25));
    const bottom = Math.exp(Math.log(low) - margin);
    return [bottom > 0 ? bottom : low, Math.min(Math.exp(Math.log(high) + margin), LARGEST)];
  }
  const size = Math.max(Math.abs(low), Math.abs(high));
  const margin = Math.max((high / 2 - low / 2) * 2 * MARGIN, size * 1e-6);
  if (low === high) return size === 0 ? [-1, 1] : inReach(low - size / 2, high + size / 2);
  // Values that are not negative keep an axis that is not.
  return inReach(low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin);
}

/** A domain whose span is still a number. */
function inReach(low: number, high: number): Range {
  return [Math.max(low, -LARGEST), Math.min(high, LARGEST)];
}

/** The step of 1, 2 or 5 times a power of ten that cuts `span` into at most `count` parts. */
function niceStep(span: number, count: number): number {
  const power = 10 ** Math.floor(Math.log10(span / count));
  const factor = [1, 2, 5].find(f => span / (power * f) <= count) ?? 10;
  return power * factor;
}

/** At most about `count` round numbers of a linear axis. */
export function linearTicks([low, high]: Range, count: number): number[] {
  const step = niceStep(high - low, Math.max(1, count));
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // 3 · 0.1 is not 0.3: a tick has no more than twelve digits.
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** Round whole numbers of a step axis. */
export function stepTicks(domain: Range, count: number): number[] {
  return linearTicks(domain, count).filter(Number.isInteger);
}

/**
 * At most about `count` round numbers of a logarithmic axis: powers of ten (every n-th of them
 * where there are many), with 2 and 5 between them where there are few, linear below one decade.
 */
export function logTicks([low, high]: Range, count: number): number[] {
  const from = Math.log10(low);
  const to = Math.log10(high);
  const decades = to - from;
  if (decades < 1) return linearTicks([low, high], count);
  const factors = decades * 3 <= count ? [1, 2, 5] : decades * 2 <= count ? [1, 3] : [1];
  const stride = Math.max(1, Math.ceil(decades / count));
  const ticks: number[] = [];
  for (let power = Math.floor(from / stride) * stride; power <= to; power += stride) {
    for (const factor of factors) {
      const tick = Number(`${factor}e${power}`);
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

/** How many times the spread of the middle nine tenths lies outside of them without being cut off. */
const SPREADS = 2;

/** Least and greatest of some values, [∞, −∞] of none, and of those that a scale should show. */
export interface Extents {
  readonly extent: Range;
  readonly typical: Range;
}

/**
 * A scale should show the values within twice the distance from the 5th to the 95th percentile around
 * these. What lies further out would squeeze all others. All values can be drawn on an axis of this kind.
 */
export function extents(values: ArrayLike<number>, scale: ScaleKind): Extents {
  // Numbers in a typed array are sorted without a function that compares them.
  const sorted = new Float64Array(values).sort();
  const last = sorted.length - 1;
  const extent: Range = [sorted[0] ?? Number.POSITIVE_INFINITY, sorted[last] ?? -Infinity];
  const size = scale === "log" ? Math.log : (value: number) => value;
  const at = (share: number) => size(sorted[Math.round(share * last)] ?? Number.NaN);
  const reach = SPREADS * (at(0.95) - at(0.05));
  // A constant with a spike has no spread: then the spike is all that there is to see.
  if (!(reach > 0)) return { extent, typical: extent };
  const [from, to] = [at(0.05) - reach, at(0.95) + reach];
  let [first, end] = [0, last];
  while (size(sorted[first] ?? to) < from) first += 1;
  while (size(sorted[end] ?? from) > to) end -= 1;
  return { extent, typical: [sorted[first] ?? 0, sorted[end] ?? 0] };
}

/** Least and greatest of the values that a scale should show. */
export function withoutOutliers(values: ArrayLike<number>, scale: ScaleKind): Range {
  return extents(values, scale).typical;
}
