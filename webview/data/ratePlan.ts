import {
  MOST_PLANNED,
  type PlannedRates,
  plannedRate,
} from "../../runtime/protocol/plannedRates.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { along, numberAt } from "./axis.ts";
import type { Range, ScaleKind } from "./scale.ts";

/** Places of a planned line beside those at which it bends: on a logarithmic axis a straight line is none. */
const PLACES = 128;

/** What schedules are to make of η, as the run says at each time. */
export class RatePlan {
  private all: readonly PlannedRates[] = [];

  show({ planned = [], status }: Pick<RunRecord, "planned" | "status">): void {
    // Of what goes on for ever nothing is left when the run is over.
    this.all = status === "running" ? planned : planned.filter(({ isOpen }) => !isOpen);
  }

  /** The last step that is planned; 0 without any. */
  get end(): number {
    return Math.max(0, ...this.all.map(({ steps }) => steps.at(-1) ?? 0));
  }

  /** Number of parameter groups, up to the last one with a plan. */
  get groups(): number {
    return Math.max(0, ...this.all.map(({ group }) => group + 1));
  }

  has(group: number): boolean {
    return this.of(group) !== undefined;
  }

  /** η of a group in a step; NaN where none is planned. */
  at(group: number, step: number): number {
    const plan = this.of(group);
    return plan ? plannedRate(plan, step) : Number.NaN;
  }

  /** The first step of a group that is planned; NaN without any. */
  begin(group: number): number {
    return this.of(group)?.steps[0] ?? Number.NaN;
  }

  /** Steps at which a line of the plan is drawn, in a part of the axis: few, and all at which it bends. */
  places(group: number, [low, high]: Range, scale: ScaleKind): readonly number[] {
    const steps = this.of(group)?.steps ?? [];
    const from = Math.max(low, steps[0] ?? Number.POSITIVE_INFINITY);
    const to = Math.min(high, steps.at(-1) ?? Number.NEGATIVE_INFINITY);
    if (!(to > from)) return [];
    const [begin, end] = [along(from, scale), along(to, scale)];
    const even = Array.from({ length: PLACES - 1 }, (_, i) =>
      numberAt(begin + ((end - begin) * (i + 1)) / PLACES, scale),
    );
    const bends = steps.filter(step => step > from && step < to);
    return [from, ...[...even, ...bends].sort((a, b) => a - b), to];
  }

  private of(group: number): PlannedRates | undefined {
    return this.all.find(each => each.group === group);
  }
}

/** Points of a planned line at most. */
export const MOST_PLACES = PLACES + 1 + MOST_PLANNED;
