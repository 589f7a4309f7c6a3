export type ScaleKind = "linear" | "log";

/** Where a value is drawn: in the plot, or as a mark at its upper or lower edge. */
export type Place = "inside" | "top" | "bottom";

/** NaN and ∞ stand at the top; −∞, and on a logarithmic axis what is not positive, at the bottom. */
export function place(value: number, scale: ScaleKind): Place {
  if (Number.isNaN(value) || value === Number.POSITIVE_INFINITY) return "top";
  if (value === Number.NEGATIVE_INFINITY) return "bottom";
  return scale === "log" && value <= 0 ? "bottom" : "inside";
}
