/** What the evaluation counts of loops that are made wrong, and of such that are right. */
import type { FindingCode, Severity } from "../../../../runtime/protocol/finding.ts";
import { type Judged, share } from "../metrics.ts";
import { FAULTS } from "./faults.ts";

/** What came of a loop. Losses are those of the task as it is meant; null where they are not finite. */
export interface LoopResult {
  readonly base: string;
  readonly variation: string;
  readonly seed: number;
  readonly first: number;
  readonly last: number | null;
  readonly heldOut: number | null;
  readonly told: readonly { readonly code: FindingCode; readonly severity: Severity }[];
}

/** Part of what the right loop gains that a fault has to cost. */
const HARM = 0.1;

/** Two tables in Markdown: the figures, and each kind of fault. */
export function loopTable(results: readonly LoopResult[], judged: readonly Judged[]): string {
  const faulty = results.filter(({ variation }) => FAULTS[variation]);
  const healthy = results.filter(({ variation }) => !FAULTS[variation]);
  const harmful = faulty.filter(each => isHarmful(each, results));
  const right = judged.filter(({ run }) => run.label === "right");
  const rightTold = right.map(({ run }) => (run.meta.told ?? []) as readonly string[]);
  const rows = [
    ["faults that did harm: the right kind named", share(harmful, isNamed)],
    ["… anything said", share(harmful, ({ told }) => told.length > 0)],
    ["all faults: the right kind named", share(faulty, isNamed)],
    ["right loops: any alarm", share(healthy, ({ told }) => told.some(isAlarm))],
    ["… any hint (severity info)", share(healthy, ({ told }) => told.some(each => !isAlarm(each)))],
    [
      "right learning rates of the sweeps, their length not known: a rule spoke, or the verdict",
      share(rightTold, told => told.length > 0),
    ],
    ["… the verdict", share(rightTold, told => told.some(code => code.startsWith("lr.")))],
  ];
  const kinds = [...new Set(faulty.map(({ variation }) => variation))];
  return [
    "| measure | value |",
    "|---|---|",
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    "",
    "| fault | named | with harm |",
    "|---|---|---|",
    ...kinds.map(kind => {
      const of = (all: readonly LoopResult[]) => all.filter(({ variation }) => variation === kind);
      return `| ${kind} | ${ratio(of(faulty))} | ${ratio(of(harmful))} |`;
    }),
  ].join("\n");
}

function isNamed({ variation, told }: LoopResult): boolean {
  return told.some(({ code }) => FAULTS[variation]?.codes.includes(code));
}

function isAlarm({ severity }: { readonly severity: Severity }): boolean {
  return severity !== "info";
}

/** Whether it ends worse than the same loop without the fault, on its samples or on held-out ones. */
function isHarmful(result: LoopResult, all: readonly LoopResult[]): boolean {
  const twin = all.find(
    ({ base, variation, seed }) =>
      base === result.base && variation === "asItIs" && seed === result.seed,
  );
  if (!twin) return false;
  const gain = twin.first - (twin.last ?? Number.POSITIVE_INFINITY);
  const cost = (now: number | null, then: number | null) =>
    ((now ?? Number.POSITIVE_INFINITY) - (then ?? 0)) / gain;
  return cost(result.last, twin.last) > HARM || cost(result.heldOut, twin.heldOut) > HARM;
}

function ratio(of: readonly LoopResult[]): string {
  return `${of.filter(isNamed).length} of ${of.length}`;
}
