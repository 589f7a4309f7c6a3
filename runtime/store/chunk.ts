/**
 * Steps of a run by columns. As soon as so many steps have come that they fill a chunk, the store writes
 * them anew: each quantity in a row of its own, so that one is read without the others, and quantities of
 * tensors also in bins. A while later their values at every step are dropped, which are nearly all of a
 * long run; the bins stay.
 */
import { type BinNumbers, BinSums, type Bins } from "../protocol/bins.ts";
import { type CurveName, curveValues, DERIVED_COLUMNS, rateName } from "../protocol/curves.ts";
import { STEP_COLUMNS, type StepBatch, TENSOR_COLUMNS } from "../protocol/steps.ts";

/** Steps whose tensors are kept one by one, at the end of a run. */
export const EXACT_STEPS = 20_000;

/** Steps of a chunk: a power of two, the fewer the more tensors, so that it fits into memory. */
const MOST_STEPS = 4096;
const FEWEST_STEPS = 64;
const TENSOR_ROWS = 2 ** 18;

/** Widths of the bins of a chunk, beside one that holds all of it. */
const WIDTHS = [8, 64, 512];

/** Bins that are narrower go with the exact values. */
export const NARROWEST_KEPT = 64;

/** The name under which η of all groups is kept, row-major. */
export const RATES = "lr";

/** Steps of a chunk of so many tensors. */
export function chunkSteps(tensorCount: number): number {
  const fitting = 2 ** Math.floor(Math.log2(TENSOR_ROWS / Math.max(1, tensorCount)));
  return Math.min(Math.max(fitting, FEWEST_STEPS), MOST_STEPS);
}

/** The widest bins no wider than asked for that a chunk may have: one width for several zooms, so that it is read once. */
export function keptWidth(width: number): number {
  return [...WIDTHS, MOST_STEPS].findLast(kept => kept <= width) ?? 1;
}

/** Widths of the bins of a chunk of `size` steps, ascending. */
export function binWidths(size: number): readonly number[] {
  return [...WIDTHS.filter(width => width < size), size];
}

/** The same of quantities over all parameters, of which narrower bins are quickly made of what is kept. */
export function curveWidths(size: number): readonly number[] {
  return binWidths(size).filter(width => width >= NARROWEST_KEPT);
}

/** A quantity over all parameters: one number a step, or one a group and step. */
export interface CurveColumn {
  readonly name: string;
  readonly values: Float64Array;
}

/** A quantity of all tensors. `width` 1: tensorCount × count values, tensor by tensor; else bins. */
export interface TensorLevel {
  readonly name: string;
  readonly width: number;
  readonly values: Float32Array | Bins<Float32Array>;
}

/** The columns over all parameters of batches that continue each other. */
export function* curveColumns(batches: readonly StepBatch[]): Generator<CurveColumn> {
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  const width = STEP_COLUMNS.length;
  for (const [column, name] of STEP_COLUMNS.entries()) {
    const values = new Float64Array(count);
    let row = 0;
    for (const { count: rows, steps } of batches) {
      for (let i = 0; i < rows; i++) values[row++] = steps[i * width + column] ?? Number.NaN;
    }
    yield { name, values };
  }
  const groups = batches[0]?.groups ?? 0;
  const rates = new Float64Array(count * groups);
  let at = 0;
  for (const { lr } of batches) {
    rates.set(lr, at);
    at += lr.length;
  }
  yield { name: RATES, values: rates };
}

/** All that is drawn over all parameters: the columns of a chunk, what follows from them, and η group by group. */
export function* quantitiesOf(
  columns: readonly CurveColumn[],
  groups: number,
): Generator<{ readonly name: CurveName; readonly values: Float64Array }> {
  const column = (name: string) =>
    columns.find(each => each.name === name)?.values ?? new Float64Array();
  const count = column("loss").length;
  for (const name of [...STEP_COLUMNS, ...DERIVED_COLUMNS]) {
    yield { name, values: curveValues(name, count, column) };
  }
  for (let group = 0; group < groups; group++) {
    yield { name: rateName(group), values: every(column(RATES), groups, group) };
  }
}

/** Every `stride`-th number from number `from` on. */
export function every(values: Float64Array, stride: number, from: number): Float64Array {
  const length = Math.floor(values.length / stride);
  return Float64Array.from({ length }, (_, row) => values[row * stride + from] ?? Number.NaN);
}

/** The bins of a quantity over all parameters that are kept of a chunk. */
export function curveLevels(values: Float64Array, firstStep: number, size: number) {
  const cut = { firstStep, count: values.length, tensorCount: 1 };
  return levels(values, cut, curveWidths(size), Float64Array);
}

/** The columns of tensors of batches that continue each other: of each quantity exactly, then in bins. */
export function* tensorLevels(batches: readonly StepBatch[], size: number): Generator<TensorLevel> {
  const [first] = batches;
  if (!first || first.tensorCount === 0) return;
  const { firstStep, tensorCount } = first;
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  const columns = tensorColumns(batches, tensorCount, count);
  for (const [column, name] of TENSOR_COLUMNS.entries()) {
    const values = columns[column] ?? new Float32Array();
    yield { name, width: 1, values };
    const cut = { firstStep, count, tensorCount };
    for (const { width, bins } of levels(values, cut, binWidths(size), Float32Array)) {
      yield { name, width, values: bins };
    }
  }
}

/** Values at every step in bins of these widths, each a multiple of the one before it. */
function* levels<Numbers extends BinNumbers>(
  values: BinNumbers,
  cut: Cut,
  widths: readonly number[],
  numbers: new (length: number) => Numbers,
): Generator<{ width: number; bins: Bins<Numbers> }> {
  let finer: { width: number; sums: BinSums<Numbers> } | undefined;
  for (const width of widths) {
    const { firstStep, count, tensorCount } = cut;
    const sums = new BinSums(tensorCount * binsOf(firstStep, count, width), numbers);
    if (finer) mergeFiner(sums, width, finer, cut);
    else addValues(sums, width, values, cut);
    yield { width, bins: sums.finish() };
    finer = { width, sums };
  }
}

/** Number of bins that hold these steps. */
export function binsOf(firstStep: number, count: number, width: number): number {
  return Math.floor((firstStep + count - 1) / width) - Math.floor(firstStep / width) + 1;
}

/** The quantities of tensors at every step, tensor by tensor. All at once: a row is read once. */
function tensorColumns(
  batches: readonly StepBatch[],
  tensorCount: number,
  count: number,
): readonly Float32Array[] {
  const columns = TENSOR_COLUMNS.map(() => new Float32Array(tensorCount * count));
  let row = 0;
  for (const { count: rows, tensors } of batches) {
    let at = 0;
    for (let i = 0; i < rows; i++, row++) {
      for (let to = row; to < tensorCount * count; to += count) {
        for (const column of columns) column[to] = tensors[at++] ?? Number.NaN;
      }
    }
  }
  return columns;
}

interface Cut {
  readonly firstStep: number;
  readonly count: number;
  readonly tensorCount: number;
}

function addValues(
  sums: BinSums<BinNumbers>,
  width: number,
  values: BinNumbers,
  { firstStep, count, tensorCount }: Cut,
): void {
  const bins = binsOf(firstStep, count, width);
  const offset = firstStep % width;
  for (let tensor = 0, at = 0; tensor < tensorCount; tensor++) {
    for (let row = 0; row < count; row++, at++) {
      sums.add(tensor * bins + Math.floor((offset + row) / width), values[at] ?? Number.NaN);
    }
  }
}

/** Adds bins whose width is a part of that of these. */
function mergeFiner(
  sums: BinSums<BinNumbers>,
  width: number,
  finer: { readonly width: number; readonly sums: BinSums<BinNumbers> },
  { firstStep, count, tensorCount }: Cut,
): void {
  const bins = binsOf(firstStep, count, width);
  const fine = binsOf(firstStep, count, finer.width);
  const ratio = width / finer.width;
  const offset = Math.floor(firstStep / finer.width) % ratio;
  for (let tensor = 0; tensor < tensorCount; tensor++) {
    for (let bin = 0; bin < fine; bin++) {
      const target = tensor * bins + Math.floor((offset + bin) / ratio);
      sums.merge(target, finer.sums, tensor * fine + bin);
    }
  }
}
