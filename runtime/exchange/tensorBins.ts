/** What a long run has of its tensors at earlier steps: bins of 64 steps. */
import { type BinsRequest, finiteCount } from "../protocol/bins.ts";
import type { TensorRecord } from "../protocol/run.ts";
import { TENSOR_COLUMNS, type TensorColumn } from "../protocol/steps.ts";
import { NARROWEST_KEPT } from "../store/chunk.ts";
import type { RunReader } from "../store/reader.ts";
import { type BinValues, jsonNumber, type TensorBin, tensorFields } from "./jsonLines.ts";

const UNDEFINED: BinValues = { min: null, mean: null, max: null, finite: null };

/** The bins that end within the steps `from` to `to` of a run, which begins with step `first`. */
export function* tensorBins(
  reader: RunReader,
  tensors: readonly TensorRecord[],
  [from, to]: readonly [number, number],
  first: number,
): Generator<TensorBin> {
  const width = NARROWEST_KEPT;
  const begin = Math.floor(from / width);
  const count = Math.floor((to + 1) / width) - begin;
  if (count <= 0) return;
  const request: Omit<BinsRequest, "column"> = {
    tensors: tensors.map((_, i) => i),
    width,
    from: begin * width,
    to: (begin + count) * width - 1,
  };
  const columns = new Map(
    TENSOR_COLUMNS.map(column => [column, reader.bins({ ...request, column })]),
  );
  const valuesAt = (column: TensorColumn, at: number): BinValues => {
    const bins = columns.get(column);
    const number = (plane: Float32Array | undefined) => jsonNumber(plane?.[at] ?? Number.NaN);
    const finite = finiteCount(bins?.info[at] ?? 0);
    return { min: number(bins?.low), mean: number(bins?.mean), max: number(bins?.high), finite };
  };
  for (let bin = 0; bin < count; bin++) {
    const steps = request.from + bin * width;
    const known = tensors.flatMap((tensor, i) => {
      const at = i * count + bin;
      // It may not have been there yet.
      if ((columns.get("gradNorm")?.info[at] ?? 0) === 0) return [];
      return [[tensor.name, tensorFields(tensor, column => valuesAt(column, at), UNDEFINED)]];
    });
    const params = Object.fromEntries(known);
    yield { type: "bins", from: Math.max(first, steps), to: steps + width - 1, params };
  }
}
