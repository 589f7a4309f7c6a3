/** Narrow no-break space: between thousands, and between a number and its unit. */
const THIN = "\u202f";

/** A number with four significant digits: `0.2312`, `1.204e-5`, `NaN`, `∞`. */
export function formatValue(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text =
    size < 1e-4 || size >= 1e6
      ? value
          .toExponential(digits - 1)
          .replace(/\.?0+e/, "e")
          .replace("e+", "e")
      : trimmed(value.toPrecision(Math.max(digits, Math.ceil(Math.log10(size + 1)))));
  return text.replace("-", "−").replace("e-", "e−");
}

/** A number with the seven digits that float32 has. */
export function formatExact(value: number): string {
  return formatValue(value, 7);
}

/** A whole number with its thousands apart: `1 204`. */
export function formatCount(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** `1 step`, `1 204 steps`. */
export function formatSteps(count: number): string {
  return `${formatCount(count)} ${count === 1 ? "step" : "steps"}`;
}

/** Time in words: `12.3 s`, `3 min 12 s`, `1 h 04 min`. `ms`: milliseconds. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 59.95) return `${trimmed(seconds.toFixed(1))}${THIN}s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}${THIN}min ${whole % 60}${THIN}s`;
  const rest = String(minutes % 60).padStart(2, "0");
  return `${Math.floor(minutes / 60)}${THIN}h ${rest}${THIN}min`;
}

/** Steps a second: `412`, `8.4`; a dash while it is not known. */
export function formatRate(rate: number): string {
  if (!Number.isFinite(rate)) return "–";
  return rate >= 100 ? formatCount(Math.round(rate)) : trimmed(rate.toPrecision(2));
}

/** The name of a file without its folders, of this machine or another. */
export function baseName(path: string): string {
  return path.split(/[\\/]/).pop() || path;
}

function trimmed(text: string): string {
  return text.includes(".") && !text.includes("e") ? text.replace(/\.?0+$/, "") : text;
}
