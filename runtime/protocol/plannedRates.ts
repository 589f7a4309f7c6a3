/** The learning rates that a schedule is to set: known before the first step, and told anew when they change. */

/** Points of a plan at most: it is told again with every change of the run. */
export const MOST_PLANNED = 256;

export interface PlannedRates {
  /** Index of the parameter group. */
  readonly group: number;
  /** Steps of the run, in ascending order. */
  readonly steps: readonly number[];
  /** η in these steps; between two of them it lies on the straight line. */
  readonly lr: readonly number[];
  /** The schedule has no end: this is the beginning of it. */
  readonly isOpen: boolean;
}

/** η in a step; NaN where none is planned. */
export function plannedRate({ steps, lr }: PlannedRates, step: number): number {
  const after = steps.findIndex(each => each >= step);
  const [next, rate] = [steps[after], lr[after]];
  if (next === undefined || rate === undefined) return Number.NaN;
  if (next === step) return rate;
  const [last, before] = [steps[after - 1], lr[after - 1]];
  if (last === undefined || before === undefined) return Number.NaN;
  return before + ((rate - before) * (step - last)) / (next - last);
}
