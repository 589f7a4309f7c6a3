/** What is known of all steps of a quantity together, as they come. */
import type { CurveName, CurveTotal } from "../protocol/curves.ts";

/** A total before any step. */
export function noTotal(name: CurveName): CurveTotal {
  return { name, least: Infinity, greatest: -Infinity, firstOdd: 0 };
}

/** A total with the values of further steps, of which `firstStep` is the first. */
export function withValues(
  { name, least, greatest, firstOdd }: CurveTotal,
  values: Float64Array,
  firstStep: number,
): CurveTotal {
  for (const [row, value] of values.entries()) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
    // A difference of two finite numbers is a number, of others NaN.
    if (firstOdd === 0 && value - value !== 0) firstOdd = firstStep + row;
  }
  return { name, least, greatest, firstOdd };
}
