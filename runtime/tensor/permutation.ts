/**
 * A random order of 0 … count − 1, by Fisher and Yates.
 * @param random gives uniform numbers in [0, 1)
 */
export function permutation(count: number, random: () => number): Int32Array {
  const order = identity(count);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const swapped = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = swapped;
  }
  return order;
}

/** 0 … count − 1 in order. */
export function identity(count: number): Int32Array {
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  return order;
}
