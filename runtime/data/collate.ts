/** Makes a batch of single samples. */
import { tensor } from "../tensor/creation.ts";
import { fromHost, hostValues } from "../tensor/hostValues.ts";
import { stack } from "../tensor/joining.ts";
import { formatShape, numel, sameShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";

type Numbers = Float32Array | Int32Array | Uint32Array;

/** What `collate` makes of samples of a type. */
export type Collated<Sample> = Sample extends number | boolean | Tensor | Numbers
  ? Tensor
  : Sample extends object
    ? { -readonly [Key in keyof Sample]: Collated<Sample[Key]> }
    : Sample[];

/**
 * A batch of samples: PyTorch's `default_collate`. Tensors and typed arrays are stacked, numbers and
 * truth values become a tensor of one dimension, float32 or bool; tuples and objects are gone
 * through place by place. Anything else, such as text, stays a list.
 *
 * Class numbers want int32: `[image, tensor(7, { dtype: "int32" })]`.
 * @throws TypeError if the samples differ in kind.
 * @throws RangeError if tensors differ in shape.
 */
export function collate<Sample>(samples: readonly Sample[]): Collated<Sample> {
  return join(samples) as Collated<Sample>;
}

function join(samples: readonly unknown[]): unknown {
  const [first] = samples;
  const kind = kindOf(first);
  const other = samples.find(sample => kindOf(sample) !== kind);
  if (other !== undefined) {
    throw new TypeError(`collate: the samples differ in kind: ${kind} and ${kindOf(other)}`);
  }
  switch (kind) {
    case "number":
    case "boolean":
      return tensor(samples as number[] | boolean[]);
    case "Tensor":
      return stackTensors(samples as Tensor[]);
    case "Float32Array":
    case "Int32Array":
    case "Uint32Array":
      return stackTensors((samples as Numbers[]).map(numbers => tensor(numbers)));
    case "Array":
      return (first as unknown[]).map((_, i) => join((samples as unknown[][]).map(at => at[i])));
    case "Object":
      return Object.fromEntries(
        Object.keys(first as object).map(key => [
          key,
          join((samples as Record<string, unknown>[]).map(sample => sample[key])),
        ]),
      );
    default:
      return [...samples];
  }
}

/** In host memory where the samples are there: nothing has to be compiled for a number of samples. */
function stackTensors(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (!first) return stack(tensors);
  const { shape, dtype } = first;
  const parts = tensors.flatMap(x => hostValues(x) ?? []);
  const isPlain = parts.length === tensors.length && tensors.every(x => x.dtype === dtype);
  if (!isPlain) return stack(tensors);
  const odd = tensors.find(x => !sameShape(x.shape, shape));
  if (odd) {
    throw new RangeError(
      `collate: samples of shape ${formatShape(shape)} and ${formatShape(odd.shape)} do not stack`,
    );
  }
  const size = numel(shape);
  const Elements = parts[0]?.constructor as new (length: number) => Numbers;
  const all = new Elements(size * parts.length);
  for (const [i, part] of parts.entries()) all.set(part, i * size);
  return fromHost(all, [parts.length, ...shape], dtype);
}

/** Name of the class of a value; of its type, where that is a primitive one. */
function kindOf(value: unknown): string {
  if (value instanceof Tensor) return "Tensor";
  return typeof value === "object" && value !== null ? value.constructor.name : typeof value;
}
