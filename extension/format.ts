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
