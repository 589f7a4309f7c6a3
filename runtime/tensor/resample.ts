/** Linear maps along one dimension in which each output depends on few inputs. */
import { differentiable } from "./autograd.ts";
import { tensor } from "./creation.ts";
import { mul } from "./elementwise.ts";
import { indexSelect } from "./indexing.ts";
import { sum } from "./reduce.ts";
import type { Tensor } from "./tensor.ts";
import { reshape } from "./views.ts";

/** An input and what it is multiplied with. */
export interface Term {
  readonly index: number;
  readonly weight: number;
}

/** A map as the GPU reads it: every output has the same number of terms, some of them of weight 0. */
interface Table {
  readonly index: Tensor;
  readonly weight: Tensor;
}

/**
 * Weighted sums along a dimension.
 * @param terms what each output is the sum of; their indices must be in range.
 */
export function resample(x: Tensor, dim: number, terms: readonly (readonly Term[])[]): Tensor {
  const inputs = x.shape[dim] ?? 1;
  return apply(x, dim, table(terms), table(transposed(terms, inputs)));
}

function apply(x: Tensor, dim: number, map: Table, adjoint: Table): Tensor {
  const [outputs = 0, width = 0] = map.weight.shape;
  const [before, after] = [x.shape.slice(0, dim), x.shape.slice(dim + 1)];
  const picked = indexSelect(x.detach(), dim, map.index);
  const weights = reshape(map.weight, [outputs, width, ...after.map(() => 1)]);
  const parts = mul(reshape(picked, [...before, outputs, width, ...after]), weights);
  return differentiable(sum(parts, dim + 1), "resample", [x], [], grad => [
    apply(grad, dim, adjoint, map),
  ]);
}

function table(terms: readonly (readonly Term[])[]): Table {
  const width = terms.reduce((most, { length }) => Math.max(most, length), 1);
  const index = new Int32Array(terms.length * width);
  const weight = new Float32Array(terms.length * width);
  terms.forEach((each, output) => {
    each.forEach((term, i) => {
      index[output * width + i] = term.index;
      weight[output * width + i] = term.weight;
    });
  });
  return { index: tensor(index), weight: tensor(weight, { shape: [terms.length, width] }) };
}

/** For each input the outputs that it is a term of. */
function transposed(terms: readonly (readonly Term[])[], inputs: number): Term[][] {
  const columns: Term[][] = Array.from({ length: inputs }, () => []);
  terms.forEach((each, output) => {
    for (const { index, weight } of each) columns[index]?.push({ index: output, weight });
  });
  return columns;
}
