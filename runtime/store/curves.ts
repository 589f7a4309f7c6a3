/** Steps by columns, put together from pieces. */
import { type CurveName, curveValues, groupOf } from "../protocol/curves.ts";
import { type StepBatch, type StepColumn, type StepCurves, stepValue } from "../protocol/steps.ts";
import { every } from "./chunk.ts";

/** Columns of a batch, with η where `rates` says so. */
export function curvesOf(
  batch: StepBatch,
  names: readonly StepColumn[],
  rates: boolean,
): StepCurves {
  const { firstStep, count, groups, lr } = batch;
  const columns = names.map(name => [
    name,
    Float64Array.from({ length: count }, (_, row) => stepValue(batch, row, name)),
  ]);
  return {
    firstStep,
    count,
    columns: Object.fromEntries(columns),
    groups: rates ? groups : 0,
    lr: rates ? lr : new Float64Array(),
  };
}

/** The values of a quantity over all parameters; NaN of a group that the batch does not have. */
export function batchValues(batch: StepBatch, name: CurveName): Float64Array {
  const { count, groups, lr } = batch;
  const group = groupOf(name);
  if (group === undefined) {
    return curveValues(name as StepColumn, count, column =>
      Float64Array.from({ length: count }, (_, row) => stepValue(batch, row, column)),
    );
  }
  return group < groups ? every(lr, groups, group) : new Float64Array(count).fill(Number.NaN);
}

/** Pieces joined to as many rows as `most`, unless one alone has more. */
export function* joinCurves(pieces: Iterable<StepCurves>, most: number): Generator<StepCurves> {
  let waiting: StepCurves[] = [];
  let rows = 0;
  for (const piece of pieces) {
    const [first] = waiting;
    if (first && (first.groups !== piece.groups || rows + piece.count > most)) {
      yield joined(first, waiting, rows);
      waiting = [];
      rows = 0;
    }
    waiting.push(piece);
    rows += piece.count;
  }
  const [first] = waiting;
  if (first) yield joined(first, waiting, rows);
}

function joined(first: StepCurves, pieces: readonly StepCurves[], count: number): StepCurves {
  if (pieces.length === 1) return first;
  const { firstStep, groups } = first;
  const columns = Object.keys(first.columns).map(key => {
    const name = key as StepColumn;
    return [
      name,
      concat(
        pieces.map(({ columns }) => columns[name]),
        count,
      ),
    ];
  });
  const lr = concat(
    pieces.map(piece => piece.lr),
    count * groups,
  );
  return { firstStep, count, columns: Object.fromEntries(columns), groups, lr };
}

function concat(parts: readonly (Float64Array | undefined)[], length: number): Float64Array {
  const whole = new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    if (part) whole.set(part, at);
    at += part?.length ?? 0;
  }
  return whole;
}
