import { formatCount, formatDuration } from "./format.ts";
import { linearTicks, logTicks, type Range, type ScaleKind, stepTicks } from "./scale.ts";

/**
 * What the x axis counts: steps, passes over the data, samples that were read, or seconds since the
 * start of the run.
 */
export const X_KINDS = ["step", "epoch", "samples", "time"] as const;
export type XKind = (typeof X_KINDS)[number];

/** Where the rows of a run stand on an axis: numbers that never fall. */
export interface Positions {
  readonly length: number;
  /** What is known is not where each row stands; that is on its way. */
  readonly isApproximate?: boolean;
  at(row: number): number;
}

/** The first row that stands at `x` or after it; the number of rows if there is none. */
export function rowAt(positions: Positions, x: number): number {
  return rowFrom(positions, x, 0, positions.length);
}

/** The row nearest to `x`; −1 without rows. */
export function nearestRow(positions: Positions, x: number): number {
  const after = rowAt(positions, x);
  if (after === 0) return positions.length > 0 ? 0 : -1;
  if (after === positions.length) return after - 1;
  return x - positions.at(after - 1) < positions.at(after) - x ? after - 1 : after;
}

/** Rows that stand in a domain: from the first to after the last. */
export function rowsIn(positions: Positions, [low, high]: Range): Range {
  const to = rowAt(positions, high);
  const reaches = to < positions.length && positions.at(to) === high;
  return [rowAt(positions, low), reaches ? to + 1 : to];
}

/** The domain that shows all rows; on a logarithmic axis, those that it has. It has a width. */
export function wholeDomain(positions: Positions, kind: XKind, scale: ScaleKind): Range {
  const first = scale === "log" ? rowAt(positions, Number.MIN_VALUE) : 0;
  const low = first < positions.length ? positions.at(first) : 1;
  const high = positions.length > 0 ? positions.at(positions.length - 1) : low;
  return [low, high > low ? high : low + (kind === "step" ? 1 : Math.abs(low) / 16 || 1)];
}

/** The domain that shows all rows of several runs; the first counts also without rows. */
export function commonDomain(
  [first, ...others]: readonly [Positions, ...Positions[]],
  kind: XKind,
  scale: ScaleKind,
): Range {
  const domains = [first, ...others.filter(({ length }) => length > 0)].map(positions =>
    wholeDomain(positions, kind, scale),
  );
  return [Math.min(...domains.map(([low]) => low)), Math.max(...domains.map(([, high]) => high))];
}

/** Where a number lies on an axis of this kind, in units in which equal lengths look equal. */
export function along(x: number, scale: ScaleKind): number {
  return scale === "log" ? Math.log2(x) : x;
}

/** The number that lies there: the inverse of `along`. */
export function numberAt(place: number, scale: ScaleKind): number {
  return scale === "log" ? 2 ** place : place;
}

/** Where a number lies in a domain: 0 at its begin, 1 at its end. */
export function shareOf(x: number, [low, high]: Range, scale: ScaleKind): number {
  const from = along(low, scale);
  return (along(x, scale) - from) / (along(high, scale) - from);
}

/** The number that lies there: the inverse of `shareOf`. */
export function numberOf(share: number, [low, high]: Range, scale: ScaleKind): number {
  const from = along(low, scale);
  return numberAt(from + share * (along(high, scale) - from), scale);
}

/** The part of a domain between two shares of it, which may lie outside of 0 … 1. */
export function partOf(domain: Range, from: number, to: number, scale: ScaleKind): Range {
  return [numberOf(from, domain, scale), numberOf(to, domain, scale)];
}

/**
 * Borders of bins over a domain, in rows: bin `i` is rows `starts[i]` to `starts[i + 1]`. At most
 * `limit + 3` bins, whose width is a power of two and which begin at multiples of it, so that they
 * stay as they are while rows are added or the domain is moved. Bins without rows are left out.
 * A row before and one after the domain lead a line over its ends.
 */
export function binRows(
  positions: Positions,
  [low, high]: Range,
  scale: ScaleKind,
  limit: number,
): number[] {
  const width = 2 ** Math.ceil(Math.log2((along(high, scale) - along(low, scale)) / limit));
  const [from, to] = rowsIn(positions, [low, high]);
  const end = Math.min(positions.length, to + 1);
  const starts = [Math.max(0, from - 1)];
  for (let row = starts[0] ?? 0; row < end; ) {
    const bin = Math.floor(along(positions.at(row), scale) / width);
    const border = numberAt((bin + 1) * width, scale);
    row = row < from ? from : rowAfter(positions, border, row, row < to ? to : end);
    starts.push(row);
  }
  return starts;
}

/** The first row after `row`, up to `end`, that stands at `x` or after it. */
function rowAfter(positions: Positions, x: number, row: number, end: number): number {
  // Most bins hold few rows: strides that double find the part in which to halve.
  let low = row + 1;
  for (let stride = 1; low + stride < end; stride *= 2) {
    if (positions.at(low + stride) >= x) return rowFrom(positions, x, low, low + stride);
    low += stride + 1;
  }
  return rowFrom(positions, x, Math.min(low, end), end);
}

/** The first row of `low` … `high` that stands at `x` or after it; `high` if there is none. */
function rowFrom(positions: Positions, x: number, low: number, high: number): number {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (positions.at(middle) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface Ticks {
  readonly values: readonly number[];
  readonly labels: readonly string[];
  /** What the labels count. */
  readonly title: string;
}

/** A place on an x axis in words: `step 1 204`, `epoch 3.25`, `640 samples`, `12.3 s`. */
export function describePlace(x: number, kind: XKind): string {
  if (kind === "time") return formatDuration(1000 * x);
  if (kind === "epoch") return `epoch ${x.toFixed(2)}`;
  const count = formatCount(Math.round(x));
  return kind === "samples" ? `${count} samples` : `step ${count}`;
}

/** Units of the time axis, in seconds, and from which span they are used. */
const TIME_UNITS = [
  { title: "hours", seconds: 3600, from: 3 * 3600 },
  { title: "minutes", seconds: 60, from: 180 },
  { title: "seconds", seconds: 1, from: 0 },
] as const;

/** At most about `count` round numbers of an x axis, with their labels. */
export function xTicks(kind: XKind, domain: Range, scale: ScaleKind, count: number): Ticks {
  const unit = kind === "time" ? timeUnit(domain) : { title: kind, seconds: 1 };
  const shown: Range = [domain[0] / unit.seconds, domain[1] / unit.seconds];
  const round = scale === "log" ? logTicks(shown, count) : linearTicks(shown, count);
  const values =
    kind !== "step"
      ? round
      : scale === "log"
        ? round.filter(Number.isInteger)
        : stepTicks(shown, count);
  return {
    values: values.map(value => value * unit.seconds),
    labels: values.map(value => (Number.isInteger(value) ? formatCount(value) : String(value))),
    title: unit.title,
  };
}

function timeUnit([low, high]: Range) {
  const span = high - low;
  return TIME_UNITS.find(({ from }) => span >= from) ?? { title: "seconds", seconds: 1 };
}
