/** @throws RangeError naming the layer and its argument if a size is no positive integer. */
export function checkSize(layer: string, name: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new RangeError(`${layer}: ${name} should be a positive integer, got ${value}`);
}

/** @throws RangeError naming the layer if p is no probability. */
export function checkProbability(layer: string, p: number): number {
  if (p >= 0 && p <= 1) return p;
  throw new RangeError(`${layer}: the probability should be between 0 and 1, got ${p}`);
}
