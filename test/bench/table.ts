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
    const spread = `${number(sorted.at(0))} – ${number(sorted.at(-1))}`;
    return `| ${what} | ${number(median(sorted))} ${unit} | ${spread} | ${samples.length} | ${goal} |`;
  });
  return ["| | median | spread | n | goal |", "| --- | --- | --- | --- | --- |", ...rows].join(
    "\n",
  );
}

/** Median of sorted numbers; NaN of none. */
function median(sorted: readonly number[]): number {
  const middle = (sorted.length - 1) / 2;
  const low = sorted[Math.floor(middle)] ?? Number.NaN;
  const high = sorted[Math.ceil(middle)] ?? Number.NaN;
  return (low + high) / 2;
}

function number(value = Number.NaN): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
