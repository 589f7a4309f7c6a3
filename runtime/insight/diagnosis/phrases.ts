/** Numbers and names in the sentences of findings. */

/** Names that a sentence can hold. */
const NAMES = 3;

/** `1 tensor`, `4 tensors`. */
export function tensors(count: number): string {
  return count === 1 ? "1 tensor" : `${count} tensors`;
}

/** The first few names of so many tensors. */
export function tensorNames(names: readonly string[], count = names.length): string {
  const shown = names.slice(0, NAMES);
  return shown.join(", ") + (shown.length > 0 && count > shown.length ? ", …" : "");
}

/** A number in a few digits. */
export function brief(value: number, digits = 2): string {
  const rounded = Number(value.toPrecision(digits));
  return rounded !== 0 && Math.abs(rounded) < 1e-3 ? rounded.toExponential() : String(rounded);
}
