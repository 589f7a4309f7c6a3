/** One measured quantity. */
export interface Measurement {
  readonly what: string;
  readonly unit: string;
  readonly samples: readonly number[];
  /** What it should be at most, or at least, in words. */
  readonly goal: string;
}

/** A Markdown table: median and spread (least to greatest) of each measurement. */
export function table(measurements: readonly Measurement[]): string {
  const rows = measurements.map(({ what, unit, samples, goal }) => {
    const sorted = samples.toSorted((a, b) => a - b);
    const spread = `${formatNumber(sorted.at(0))} – ${formatNumber(sorted.at(-1))}`;
    return `| ${what} | ${formatNumber(quantile(samples, 0.5))} ${unit} | ${spread} | ${samples.length} | ${goal} |`;
  });
  return ["| | median | spread | n | goal |", "| --- | --- | --- | --- | --- |", ...rows].join(
    "\n",
  );
}

/** The quantile of a sample, interpolated; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** A number to three digits, or to the unit where that is more. */
export function formatNumber(value = Number.NaN): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
