/** A number with at most so many digits, as one writes it in a source: 0.08, 3e-4. */
export function numberText(number: number, digits: number): string {
  const value = Number(number.toPrecision(digits));
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-3 && size < 1e6)) return String(value);
  return value.toExponential().replace("e+", "e");
}

/** A ratio in words: `84 % of their norm`, and from ten on `150 times their norm`. */
export function shareOf(ratio: number, whole: string): string {
  return ratio < 10
    ? `${numberText(100 * ratio, 2)} % of ${whole}`
    : `${numberText(ratio, 2)} times ${whole}`;
}
