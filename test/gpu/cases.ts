/** Compares operations with what PyTorch computed for them: value, and gradient where there is one. */
import { describe, expect, test } from "vitest";
import { grad, type Tensor } from "../../runtime/index.ts";
import { expectClose, ONE_STEP, type Tolerance } from "./close.ts";
import { decode, type Encoded, numeric, readFixture, required } from "./fixture.ts";

/** A case of a fixture that `case` of test/fixtures/common.py wrote. */
interface Case<Arguments> {
  readonly op: string;
  readonly note: string;
  readonly args: Arguments;
  readonly inputs: readonly Encoded[];
  readonly output: Encoded;
  /** The gradients are those of sum(output · weight). */
  readonly weight?: Encoded;
  readonly grads?: readonly (Encoded | null)[];
}

/** How an operation of a fixture is written with the engine. */
export type Operation<Arguments> = (inputs: Tensor[], args: Arguments) => Tensor | Promise<Tensor>;

/**
 * A test for each operation of a fixture.
 * @param tolerances of operations that need another one than `ONE_STEP`.
 */
export function compareWithTorch<Arguments>(
  fixture: string,
  operations: Readonly<Record<string, Operation<Arguments>>>,
  tolerances: Readonly<Record<string, Tolerance>> = {},
): void {
  const { torch, cases } = readFixture<{ cases: readonly Case<Arguments>[] }>(fixture);
  describe(`PyTorch ${torch}`, () => {
    for (const [op, group] of Map.groupBy(cases, ({ op }) => op)) {
      test(op, async () => {
        const tolerance = tolerances[op] ?? ONE_STEP;
        for (const one of group) await compare(one, required(operations[op]), tolerance);
      });
    }
  });
}

async function compare<Arguments>(
  { op, note, args, inputs, output, weight, grads }: Case<Arguments>,
  operation: Operation<Arguments>,
  tolerance: Tolerance,
): Promise<void> {
  const what = `${op} ${note}`;
  const leaves = inputs.map(input => decode(input, true));
  const result = await operation(leaves, args);
  expect(result.shape, `${what}: shape`).toEqual(output.shape);
  expect(result.dtype, `${what}: dtype`).toBe(output.dtype);
  if (weight && grads) result.mul(decode(weight)).sum().backward();
  expectClose(what, await result.data(), output.data.map(numeric), tolerance);
  for (const [i, expected] of (grads ?? []).entries()) {
    if (!expected) continue;
    const { grad } = required(leaves[i]);
    expect(grad?.shape, `${what}: shape of gradient ${i}`).toEqual(expected.shape);
    const values = expected.data.map(numeric);
    expectClose(`${what}: gradient ${i}`, await required(grad).data(), values, tolerance);
  }
}

/** An operation of one tensor. */
export function unary<Arguments>(
  compute: (x: Tensor, args: Arguments) => Tensor,
): Operation<Arguments> {
  return ([x], args) => compute(required(x), args);
}

/** An operation of two tensors. */
export function binary<Arguments>(
  compute: (a: Tensor, b: Tensor, args: Arguments) => Tensor,
): Operation<Arguments> {
  return ([a, b], args) => compute(required(a), required(b), args);
}

/** A case of a fixture that `hessian_vector` of test/fixtures/common.py wrote. */
interface Curvature {
  readonly name: string;
  readonly inputs: readonly Encoded[];
  readonly vectors: readonly Encoded[];
  readonly value: number;
  readonly grads: readonly Encoded[];
  readonly products: readonly Encoded[];
}

/** A test of value, gradient and Hessian-vector product for each scalar expression of a fixture. */
export function compareCurvature(
  fixture: string,
  expressions: Readonly<Record<string, (a: Tensor, b: Tensor) => Tensor>>,
): void {
  const { torch, cases } = readFixture<{ cases: readonly Curvature[] }>(fixture);
  describe(`PyTorch ${torch}`, () => {
    test.each(cases)("$name", async ({ name, inputs, vectors, value, grads, products }) => {
      const leaves = inputs.map(input => decode(input, true));
      const [a, b] = [required(leaves[0]), leaves[1] ?? required(leaves[0])];
      const result = required(expressions[name])(a, b);
      const first = grad(result, leaves, { createGraph: true });
      const product = vectors
        .map((vector, i) => required(first[i]).mul(decode(vector)).sum())
        .reduce((sum, term) => sum.add(term));
      const second = grad(product, leaves);

      expectClose(name, [await result.item()], [value]);
      for (const [i, expected] of grads.entries()) {
        expectClose(`gradient ${i}`, await required(first[i]).data(), expected.data.map(numeric));
      }
      for (const [i, expected] of products.entries()) {
        expectClose(`product ${i}`, await required(second[i]).data(), expected.data.map(numeric));
      }
    });
  });
}
