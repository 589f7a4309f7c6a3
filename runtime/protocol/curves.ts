/** Quantities over all parameters as charts draw them: what is measured, what follows from it, η of each group. */
import type { Bins } from "./bins.ts";
import type { ScaleKind } from "./place.ts";
import { STEP_COLUMNS, type StepColumn } from "./steps.ts";

const MIB = 2 ** 20;

/** What follows from measured quantities, step by step. */
const DERIVED = {
  /** What a step took beside forward, backward and waiting, in milliseconds. */
  updateMs: {
    of: ["stepMs", "forwardMs", "backwardMs", "waitMs"],
    value: (step = NaN, forward = NaN, backward = NaN, wait = NaN) =>
      step - forward - backward - wait,
  },
  /** Steps a second, by the time of each. */
  stepRate: { of: ["stepMs"], value: (step = NaN) => 1000 / step },
  /** Memory in MiB: buffers of the GPU, and JavaScript's heap. */
  gpuMemory: { of: ["gpuBytes"], value: (bytes = NaN) => bytes / MIB },
  heapMemory: { of: ["heapBytes"], value: (bytes = NaN) => bytes / MIB },
} as const satisfies Readonly<
  Record<
    string,
    { readonly of: readonly StepColumn[]; readonly value: (...of: number[]) => number }
  >
>;

export type DerivedColumn = keyof typeof DERIVED;

export const DERIVED_COLUMNS = Object.keys(DERIVED) as readonly DerivedColumn[];

/** A quantity over all parameters; η of a parameter group is `lr/` and its number. */
export type CurveName = StepColumn | DerivedColumn | `lr/${number}`;

/** The name of η of a group. */
export function rateName(group: number): CurveName {
  return `lr/${group}`;
}

/** All quantities of a run with so many parameter groups. */
export function curveNames(groups: number): readonly CurveName[] {
  const rates = Array.from({ length: groups }, (_, group) => rateName(group));
  return [...STEP_COLUMNS, ...DERIVED_COLUMNS, ...rates];
}

/** The group of which a name is η; undefined for other names. */
export function groupOf(name: CurveName): number | undefined {
  return name.startsWith("lr/") ? Number(name.slice(3)) : undefined;
}

/** The values of a quantity at `count` steps; `column` gives those of what is measured. */
export function curveValues(
  name: StepColumn | DerivedColumn,
  count: number,
  column: (name: StepColumn) => Float64Array,
): Float64Array {
  if (!isDerived(name)) return column(name);
  const { of, value } = DERIVED[name];
  const [a, b, c, d] = of.map(column);
  return Float64Array.from({ length: count }, (_, row) =>
    value(a?.[row], b?.[row], c?.[row], d?.[row]),
  );
}

function isDerived(name: string): name is DerivedColumn {
  return name in DERIVED;
}

/** What is known of all steps of a quantity together. */
export interface CurveTotal {
  readonly name: CurveName;
  /** Its least and greatest value, infinities among them; ∞ and −∞ without any. */
  readonly least: number;
  readonly greatest: number;
  /** The first step at which it is not finite; 0 without one. */
  readonly firstOdd: number;
}

/** The moving average that is wanted: its weight β, 0 … 1 exclusive, on an axis of this kind. */
export interface Smoothing {
  readonly weight: number;
  readonly scale: ScaleKind;
}

/** Which bins of a quantity are asked for: those that hold the steps `from` to `to`, both inclusive. */
export interface CurveRequest {
  readonly name: CurveName;
  /** Steps of a bin: a power of two. */
  readonly width: number;
  readonly from: number;
  readonly to: number;
  /** The moving average of all values at the end of each bin is wanted, too. */
  readonly smoothing?: Smoothing;
}

/** The answer: bins from number `first` on. Of single steps, whose width is 1, `mean` has the values and no other plane is sent. */
export interface CurveBins extends Bins<Float64Array> {
  readonly request: CurveRequest;
  readonly first: number;
  /** The last step that there was: bins that hold it, or later ones, may get more. */
  readonly last: number;
  /** States of the moving average (ema.ts) behind each bin; empty unless they were asked for. */
  readonly averages: Float64Array;
  readonly biases: Float64Array;
}
