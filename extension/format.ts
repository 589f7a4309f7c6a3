/** Narrow no-break space: groups digits without the look of a decimal mark. */
const GROUP = "\u202f";

/** A loss with three significant digits; `NaN` and `∞` by name. */
export function formatLoss(loss: number): string {
  if (Number.isNaN(loss)) return "NaN";
  if (!Number.isFinite(loss)) return loss > 0 ? "∞" : "−∞";
  const size = Math.abs(loss);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return loss.toExponential(2).replace("e+", "e");
  if (size >= 999.5) return formatCount(Math.round(loss));
  return loss.toPrecision(3);
}

/** A count with its digits in groups of three. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US").replaceAll(",", GROUP);
}

/** A rate or a ratio as short as it can be said with three significant digits: 0.002, 2e-4. */
export function formatRate(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || (size < 1e6 && size >= 1e-3) || size === 0) {
    return formatLoss(Number(value.toPrecision(3)))
      .replace(/(\.\d*?)0+$/, "$1")
      .replace(/\.$/, "");
  }
  return value.toExponential(2).replace(/\.?0*e\+?/, "e");
}
