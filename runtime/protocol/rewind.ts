/** Going back in a run: what of it is in force, and where one can go back to. */
import type { ChangeRecord } from "./control.ts";

/**
 * The state behind step `to` was put back behind step `step`. The count of steps goes on, as the
 * script's own counters do: the steps between the two are taken back, and stay in the record.
 */
export interface RewindRecord {
  readonly step: number;
  readonly to: number;
}

/** Steps `first` to `last`, both of them inclusive. */
export interface Stretch {
  readonly first: number;
  readonly last: number;
}

/** What of a run says where it can go back to. */
export interface Rewindable {
  readonly steps: number;
  readonly changes?: readonly ChangeRecord[];
  readonly rewinds?: readonly RewindRecord[];
  readonly kept?: readonly number[];
}

/** The steps that led to the state after step `last`, oldest first. */
export function stretchesInForce(rewinds: readonly RewindRecord[], last: number): Stretch[] {
  const stretches: Stretch[] = [];
  let end = last;
  for (const { step, to } of rewinds.toReversed()) {
    // It happened later than what leads there.
    if (step > end) continue;
    if (step < end) stretches.unshift({ first: step + 1, last: end });
    end = to;
  }
  if (end > 0) stretches.unshift({ first: 1, last: end });
  return stretches;
}

/** The steps that were taken back: those between what is in force. */
export function stretchesTakenBack(rewinds: readonly RewindRecord[], last: number): Stretch[] {
  const inForce = stretchesInForce(rewinds, last);
  return [{ first: 0, last: 0 }, ...inForce].flatMap(({ last: end }, i) => {
    const next = inForce[i]?.first ?? last + 1;
    return next > end + 1 ? [{ first: end + 1, last: next - 1 }] : [];
  });
}

/** The newest step before the state in force that one can go back to; undefined if there is none. */
export function stepBackTarget({ steps, rewinds = [], kept = [] }: Rewindable): number | undefined {
  const inForce = stretchesInForce(rewinds, steps);
  const now = inForce.at(-1)?.last ?? 0;
  return kept.findLast(step => step < now && isWithin(inForce, step));
}

/** The step before the last change that is in force; undefined if nothing is kept so early. */
export function undoTarget(run: Rewindable): number | undefined {
  const { steps, changes = [], rewinds = [], kept = [] } = run;
  const inForce = stretchesInForce(rewinds, steps);
  const change = changes.findLast(({ step }) => isWithin(inForce, step));
  if (!change) return undefined;
  return kept.some(step => step < change.step) ? change.step - 1 : undefined;
}

/** Whether a step is in one of the stretches. */
export function isWithin(stretches: readonly Stretch[], step: number): boolean {
  return stretches.some(({ first, last }) => first <= step && step <= last);
}
