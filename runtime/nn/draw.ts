/**
 * Starting values of parameters. They are made on the host: a kernel for each shape takes longer to
 * compile than most take to make.
 */
import { tensor } from "../tensor/creation.ts";
import { hostGenerator, randn } from "../tensor/random.ts";
import { numel, type Shape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Above, the GPU draws. */
const HOST_LIMIT = 1 << 20;

/** One number everywhere. */
export function constant(shape: Shape, value: number): Tensor {
  return host(shape, () => value);
}

/** Normal numbers. */
export function normal(shape: Shape, mean: number, std: number): Tensor {
  if (numel(shape) > HOST_LIMIT) return randn(shape).mul(std).add(mean);
  const next = gaussian();
  return host(shape, () => mean + std * next());
}

/** Normal numbers in [low, high]. */
export function truncatedNormal(
  shape: Shape,
  mean: number,
  std: number,
  low: number,
  high: number,
): Tensor {
  const next = gaussian();
  return host(shape, () => {
    let value = mean + std * next();
    for (let tries = 0; tries < 100 && (value < low || value > high); tries++) {
      value = mean + std * next();
    }
    // Only a range where the distribution hardly ever comes is left to its ends.
    return Math.min(Math.max(value, low), high);
  });
}

/** Rows or columns, whichever are fewer, are orthonormal; dimensions beyond two count as columns. */
export function orthogonal(shape: Shape, gain: number): Tensor {
  const [rows = 1] = shape;
  const columns = numel(shape) / rows;
  const [count, length] = rows < columns ? [rows, columns] : [columns, rows];
  const next = gaussian();
  const vectors: Float64Array[] = [];
  for (let i = 0; i < count; i++) {
    const vector = Float64Array.from({ length }, next);
    // Twice: after one pass of Gram and Schmidt, rounding leaves some of the others.
    for (const other of [...vectors, ...vectors]) subtractProjection(vector, other);
    normalize(vector);
    vectors.push(vector);
  }
  let i = 0;
  return host(shape, () => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    i++;
    const [vector, at] = rows < columns ? [row, column] : [column, row];
    return gain * (vectors[vector]?.[at] ?? 0);
  });
}

function subtractProjection(vector: Float64Array, unit: Float64Array): void {
  const along = dot(vector, unit);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) - along * (unit[i] ?? 0);
}

function normalize(vector: Float64Array): void {
  const norm = Math.sqrt(dot(vector, vector));
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) / norm;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** Standard normal numbers (Box and Muller 1958). */
function gaussian(): () => number {
  const next = hostGenerator();
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

function host(shape: Shape, value: () => number): Tensor {
  return tensor(Float32Array.from({ length: numel(shape) }, value), { shape });
}
