/** What every contender computes: the same shapes, and the same numbers where the host makes them. */

/** The tasks, in the order of the report. */
export const TASKS = [
  "matmul512",
  "matmul1024",
  "longMatmul",
  "vectorMatmul",
  "mlp",
  "gpt",
  "adam",
] as const;
export type TaskName = (typeof TASKS)[number];

/** Products of matrices: [rows, what is summed, columns]. */
export const PRODUCTS = {
  matmul512: [512, 512, 512],
  matmul1024: [1024, 1024, 1024],
  longMatmul: [64, 16_384, 64],
  vectorMatmul: [1, 4096, 4096],
} as const;
export type Sides = readonly [number, number, number];

/** Sizes of the tasks; handed to contenders that are not written in TypeScript. */
export const SIZES = {
  mlp: { widths: [784, 256, 128, 10], batch: 128 },
  gpt: { vocabulary: 65, length: 64, width: 128, heads: 4, layers: 2, batch: 8 },
  /** Square matrices that Adam updates: ten million parameters. */
  adam: { side: 1000, count: 10 },
  learningRate: 1e-3,
} as const;

/** A task that a contender has set up. */
export interface Task {
  /** One step; resolves when all of its work is submitted. */
  step(): Promise<void> | void;
  /** A number of the last step that tells whether it computed the right thing, see `isRight`. */
  probe(): Promise<number>;
}

/**
 * Whether the probes after the first and the last of some steps fit: the first element of a product
 * is known, and a loss, or a parameter whose gradient is positive, must fall.
 */
export function isRight(task: TaskName, first: number, last: number): boolean {
  if (task in PRODUCTS) {
    return Math.abs(last - cornerOfProduct(PRODUCTS[task as keyof typeof PRODUCTS])) < 1e-3;
  }
  return last < first;
}

/** Evenly spread numbers from -scale to scale, the same at every call with the same seed. */
export function noise(length: number, scale: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * scale;
  });
}

/** The matrix that a layer starts with, spread as PyTorch spreads it. */
export function initial(inputs: number, outputs: number): Float32Array<ArrayBuffer> {
  return noise(inputs * outputs, 1 / Math.sqrt(inputs), inputs + outputs);
}

/** The two factors of a product, and their shapes. */
export function factors([rows, inner, columns]: Sides) {
  return [
    { values: noise(rows * inner, 1, 1), shape: [rows, inner] },
    { values: noise(inner * columns, 1, 2), shape: [inner, columns] },
  ] as const;
}

/** The gradients that Adam applies: positive numbers, one array a matrix. */
export function gradients(): Float32Array<ArrayBuffer>[] {
  const { side, count } = SIZES.adam;
  return Array.from({ length: count }, (_, i) => noise(side ** 2, 1, i).map(Math.abs));
}

/** A batch of images and their labels. */
export function images(): { pixels: Float32Array<ArrayBuffer>; labels: Int32Array<ArrayBuffer> } {
  const { widths, batch } = SIZES.mlp;
  return {
    pixels: noise(batch * widths[0], 1, 3),
    labels: Int32Array.from({ length: batch }, (_, i) => i % widths[3]),
  };
}

/** A batch of letters, and for each the letter that follows it. */
export function letters(): { tokens: Int32Array<ArrayBuffer>; next: Int32Array<ArrayBuffer> } {
  const { vocabulary, length, batch } = SIZES.gpt;
  const letter = (i: number): number => (i * 7) % vocabulary;
  return {
    tokens: Int32Array.from({ length: batch * length }, (_, i) => letter(i)),
    next: Int32Array.from({ length: batch * length }, (_, i) => letter(i + 1)),
  };
}

/** First element of the product of `factors(sides)`. */
function cornerOfProduct(sides: Sides): number {
  const [a, b] = factors(sides);
  const [, inner, columns] = sides;
  let sum = 0;
  for (let i = 0; i < inner; i++) sum += (a.values[i] ?? 0) * (b.values[i * columns] ?? 0);
  return sum;
}
