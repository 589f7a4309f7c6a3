/** Diagnoses a run that is over, as it would have been diagnosed while it went. */
import type { Finding, Suggestion } from "../../protocol/finding.ts";
import { advisedRate, conclude, diagnose, startDiagnosis } from "./diagnose.ts";
import type { Scorecard } from "./scorecard.ts";
import type { TraceRun } from "./trace.ts";
import { type Assessment, assess, suggestion, type Verdict } from "./verdict.ts";

/** What is said of a run. A verdict is null where there is none; `reason` then says why. */
export interface Diagnosis {
  readonly scenario: string;
  readonly lr: number;
  readonly verdict: Verdict | null;
  /** The verdicts when 10 % and 25 % of the run were over. */
  readonly at10: Verdict | null;
  readonly at25: Verdict | null;
  readonly reason?: string;
  /** Every version of every finding, in order. */
  readonly findings: readonly Finding[];
  readonly suggestion: Pick<Suggestion, "to" | "range"> | null;
}

/** Replays a run of a trace. */
export function replay({ scenario, plan, records }: TraceRun, card?: Scorecard): Diagnosis {
  let state = startDiagnosis(plan, card);
  const findings: Finding[] = [];
  const early = new Map<number, Assessment>();
  const moments = [0.1, 0.25].map(part => Math.max(1, Math.round(part * (plan.plannedSteps ?? 0))));
  for (const record of records) {
    const [next, changes] = diagnose(state, record);
    state = next;
    findings.push(...changes);
    if (moments.includes(state.signals.steps))
      early.set(state.signals.steps, assess(state.signals, plan, card));
  }
  findings.push(...conclude(state, records.at(-1)?.t ?? 0));
  const last = assess(state.signals, plan, card);
  // A run that ended before, ended as it is judged at its end.
  const [at10 = null, at25 = null] = moments.map(
    moment => (early.get(moment) ?? (plan.plannedSteps ? last : undefined))?.verdict ?? null,
  );
  const to = advisedRate(state);
  const advice = to === undefined ? undefined : suggestion(plan.lr, to);
  return {
    scenario,
    lr: plan.lr,
    verdict: last.verdict ?? null,
    at10,
    at25,
    ...(last.reason && { reason: last.reason }),
    findings,
    suggestion: advice ? { to: advice.to, range: advice.range } : null,
  };
}
