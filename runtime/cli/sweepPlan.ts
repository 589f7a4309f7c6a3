/** Which runs a sweep is made of. */
import { UsageError } from "./exit.ts";

/** One run of a sweep. */
export interface Trial {
  readonly lr: number;
  /** Added to every seed of the script; the first repetition has the script's own. */
  readonly seedOffset: number;
}

/** Rates a decade, unless it is said how many there are to be: neighbours are √10 apart. */
const RATES_A_DECADE = 2;

/** Digits of a rate that anybody would write. */
const RATE_DIGITS = 3;

/**
 * Learning rates at equal distances on a logarithmic scale, both ends among them.
 * @param text `1e-4..1e-1`, or one rate.
 * @param points how many; two a decade by default.
 * @throws UsageError where that is no range.
 */
export function rateGrid(text: string, points?: number): number[] {
  const ends = text.split("..").map(end => learningRate("--lr", end));
  const [from = Number.NaN, to = from] = ends;
  if (ends.length > 2 || from > to) {
    throw new UsageError(`--lr: expected a range such as 1e-4..1e-1, got "${text}".`);
  }
  if (from === to) return [from];
  const decades = Math.log10(to / from);
  const count = points ?? Math.max(2, Math.round(RATES_A_DECADE * decades) + 1);
  if (count < 2) throw new UsageError("--points: a range has two ends, so at least 2 are needed.");
  return Array.from({ length: count }, (_, i) =>
    Number((from * 10 ** ((decades * i) / (count - 1))).toPrecision(RATE_DIGITS)),
  );
}

/** All rates with the first seed, then all with the next: a sweep that is cut short has seen the range. */
export function trialsOf(rates: readonly number[], seeds: number): Trial[] {
  return Array.from({ length: seeds }, (_, seedOffset) =>
    rates.map(lr => ({ lr, seedOffset })),
  ).flat();
}

/** @throws UsageError unless `text` is a positive number. */
export function learningRate(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`${option}: expected a learning rate above 0, such as 1e-3, got "${text}".`);
}
