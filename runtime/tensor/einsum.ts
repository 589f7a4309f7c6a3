/** Sums of products by the names of dimensions. */
import { mul } from "./elementwise.ts";
import { matmul } from "./linear.ts";
import { diagonal } from "./rearrange.ts";
import { sum } from "./reduce.ts";
import { formatShape, numel } from "./shape.ts";
import type { Tensor } from "./tensor.ts";
import { expand, permute, reshape } from "./views.ts";

/** A tensor whose dimensions have names. */
interface Named {
  readonly tensor: Tensor;
  readonly labels: readonly string[];
}

/**
 * PyTorch's `torch.einsum`: `einsum("bij,bjk->bik", a, b)`. A letter names a dimension, the same
 * letter the same size (or 1, which repeats); letters that the result lacks are summed over; `...`
 * stands for further dimensions, which broadcast. Without `->` the result has the letters that occur
 * once, in alphabetical order.
 * @throws RangeError if letters and dimensions, or sizes of a letter, do not fit.
 */
export function einsum(equation: string, ...operands: Tensor[]): Tensor {
  const { inputs, output } = parse(equation, operands);
  const sizes = labelSizes(equation, inputs);
  const missing = output.find(label => !sizes.has(label));
  if (missing !== undefined) {
    throw new RangeError(`einsum: "${equation}": ${missing} of the result is in no operand`);
  }
  const [first, ...rest] = inputs.map(input => whole(withDiagonals(input), sizes));
  if (!first) throw new RangeError("einsum: expects at least one operand");
  let result = first;
  rest.forEach((next, i) => {
    const later = new Set([...output, ...rest.slice(i + 1).flatMap(({ labels }) => labels)]);
    const left = sumOut(result, new Set([...later, ...next.labels]));
    const right = sumOut(next, new Set([...later, ...result.labels]));
    result = contract(left, right, later);
  });
  return ordered(sumOut(result, new Set(output)), output);
}

/** The named operands, and the names of the result. Dimensions of `...` are named by numbers. */
function parse(
  equation: string,
  operands: readonly Tensor[],
): { readonly inputs: readonly Named[]; readonly output: readonly string[] } {
  const [left = "", right, more] = equation.replaceAll(" ", "").split("->");
  const terms = left.split(",");
  const wellFormed = [...terms, right ?? ""].every(term =>
    /^[a-zA-Z]*(\.{3})?[a-zA-Z]*$/.test(term),
  );
  if (!wellFormed || more !== undefined) {
    throw new RangeError(
      `einsum: "${equation}" should be letters for the dimensions of each operand, separated by ` +
        'commas, and those of the result behind "->", as in "ij,jk->ik"',
    );
  }
  if (terms.length !== operands.length) {
    throw new RangeError(
      `einsum: "${equation}" names ${terms.length} operands, but ${operands.length} are given`,
    );
  }
  const spare = operands.map(({ ndim }, i) => ndim - letters(terms[i] ?? "").length);
  const extra = Math.max(0, ...spare.filter((_, i) => terms[i]?.includes("...")));
  const inputs = operands.map((tensor, i) => {
    const term = terms[i] ?? "";
    const count = spare[i] ?? 0;
    if (count < 0 || (count > 0 && !term.includes("..."))) {
      throw new RangeError(
        `einsum: "${term}" of "${equation}" does not name the ${tensor.ndim} dimensions of operand ` +
          `${i}, ${formatShape(tensor.shape)}`,
      );
    }
    return { tensor, labels: labelsOf(term, extra - count, extra) };
  });
  const all = inputs.flatMap(({ labels }) => labels);
  const once = all.filter(
    label => /[a-z]/i.test(label) && all.indexOf(label) === all.lastIndexOf(label),
  );
  const output =
    right === undefined ? [...numbers(0, extra), ...once.sort()] : labelsOf(right, 0, extra);
  const twice = output.find((label, i) => output.indexOf(label) !== i);
  if (twice !== undefined) {
    throw new RangeError(`einsum: "${equation}": the result names ${twice} twice`);
  }
  return { inputs, output };
}

function letters(term: string): string[] {
  return [...term.replace("...", "")];
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => String(from + i));
}

/** The names of a term: its `...` are the numbers from `from` to `to`. */
function labelsOf(term: string, from: number, to: number): string[] {
  const [before = "", after] = term.split("...");
  return after === undefined ? [...before] : [...before, ...numbers(from, to), ...after];
}

function labelSizes(equation: string, inputs: readonly Named[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { tensor, labels } of inputs) {
    labels.forEach((label, d) => {
      const size = tensor.shape[d] ?? 1;
      const known = sizes.get(label) ?? 1;
      if (known !== 1 && size !== 1 && size !== known) {
        const shapes = inputs.map(input => formatShape(input.tensor.shape)).join(" and ");
        throw new RangeError(
          `einsum: "${equation}" of ${shapes}: sizes ${known} and ${size} of ${label} differ`,
        );
      }
      sizes.set(label, size === 1 ? known : size);
    });
  }
  return sizes;
}

/** Each name once: of dimensions of one name the diagonal. */
function withDiagonals({ tensor, labels }: Named): Named {
  const again = labels.findIndex((label, d) => labels.indexOf(label) !== d);
  if (again < 0) return { tensor, labels };
  const label = labels[again] ?? "";
  const rest = labels.filter((_, d) => d !== again && d !== labels.indexOf(label));
  const inner = diagonal(tensor, 0, labels.indexOf(label), again);
  return withDiagonals({ tensor: inner, labels: [...rest, label] });
}

/** Every dimension in full size. */
function whole({ tensor, labels }: Named, sizes: ReadonlyMap<string, number>): Named {
  return {
    tensor: expand(
      tensor,
      labels.map(label => sizes.get(label) ?? 1),
    ),
    labels,
  };
}

/** Sums over the dimensions that are not needed. */
function sumOut({ tensor, labels }: Named, needed: ReadonlySet<string>): Named {
  const dims = labels.flatMap((label, d) => (needed.has(label) ? [] : [d]));
  if (dims.length === 0) return { tensor, labels };
  return { tensor: sum(tensor, dims), labels: labels.filter(label => needed.has(label)) };
}

/** The product of two tensors, summed over the names that both have and nobody needs later. */
function contract(a: Named, b: Named, later: ReadonlySet<string>): Named {
  const shared = a.labels.filter(label => b.labels.includes(label));
  const batch = shared.filter(label => later.has(label));
  const inner = shared.filter(label => !later.has(label));
  const rows = a.labels.filter(label => !shared.includes(label));
  const columns = b.labels.filter(label => !shared.includes(label));
  const sizes = (named: Named, labels: readonly string[]) =>
    labels.map(label => named.tensor.shape[named.labels.indexOf(label)] ?? 1);
  const [batches, m, k, n] = [sizes(a, batch), sizes(a, rows), sizes(a, inner), sizes(b, columns)];
  const left = reshape(ordered(a, [...batch, ...rows, ...inner]), [...batches, numel(m), numel(k)]);
  const right = reshape(ordered(b, [...batch, ...inner, ...columns]), [
    ...batches,
    numel(k),
    numel(n),
  ]);
  const product = inner.length === 0 ? mul(left, right) : matmul(left, right);
  return {
    tensor: reshape(product, [...batches, ...m, ...n]),
    labels: [...batch, ...rows, ...columns],
  };
}

/** With the dimensions in this order. */
function ordered({ tensor, labels }: Named, order: readonly string[]): Tensor {
  return permute(
    tensor,
    order.map(label => labels.indexOf(label)),
  );
}
