import { Tensor } from "./tensor.ts";

/**
 * Types say it, and values of type `any` (from JSON, from JavaScript) still come without one.
 * @throws TypeError that says how a tensor is made of the value.
 */
export function checkTensor(call: string, value: unknown): asserts value is Tensor {
  if (value instanceof Tensor) return;
  throw new TypeError(`${call}: expects a tensor, got ${describe(value)}`);
}

/** What a value is that should be a tensor, and what would be right. */
export function describe(value: unknown): string {
  if (value instanceof Promise) return "a promise. Await it";
  const isData = Array.isArray(value) || ArrayBuffer.isView(value);
  if (isData) return `${value.constructor.name}. Make a tensor of it with tensor(…)`;
  return value === null || value === undefined ? String(value) : typeof value;
}
