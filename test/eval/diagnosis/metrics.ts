/** What the evaluation of the diagnosis counts. */
import type { Diagnosis } from "../../../runtime/insight/diagnosis/replay.ts";
import { classOf, type LabelledRun } from "./corpus.ts";

/** A labelled run, and what was said of it. */
export interface Judged {
  readonly run: LabelledRun;
  readonly said: Diagnosis;
}

/** Decades by which neighbouring learning rates of the labels' grid are apart. */
const GRID = 0.5;

/** The figures as a table in Markdown. */
export function table(judged: readonly Judged[]): string {
  const lines = [
    [
      "verdict right at 10 % of the run",
      share(judged, ({ run, said }) => classOf(said.at10) === classOf(run.label)),
    ],
    [
      "verdict right at 25 %",
      share(judged, ({ run, said }) => classOf(said.at25) === classOf(run.label)),
    ],
    [
      "verdict right at 100 %",
      share(judged, ({ run, said }) => classOf(said.verdict) === classOf(run.label)),
    ],
    [
      "at 25 %, large and diverging told apart",
      share(judged, ({ run, said }) => said.at25 === run.label),
    ],
    [
      "opposite verdicts (all three moments)",
      share(
        judged.flatMap(({ run, said }) =>
          [said.at10, said.at25, said.verdict].map(v => [run, v] as const),
        ),
        ([run, v]) => isOpposite(classOf(run.label), classOf(v)),
      ),
    ],
    [
      "alerts: precision",
      share(
        judged.filter(j => alert(j)),
        j => alert(j) === classOf(j.run.label),
      ),
    ],
    [
      "alerts: recall",
      share(
        judged.filter(({ run }) => run.label !== "right"),
        j => alert(j) === classOf(j.run.label),
      ),
    ],
    [
      "alerts: false on right runs",
      share(
        judged.filter(({ run }) => run.label === "right"),
        j => alert(j) !== undefined,
      ),
    ],
    [
      "… not counting “slow”",
      share(
        judged.filter(({ run }) => run.label === "right"),
        j => alert(j) !== undefined && firstAlert(j)?.code !== "lr.slow",
      ),
    ],
    [
      "alerts the wrong way",
      share(judged, j => isOpposite(classOf(j.run.label), alert(j) ?? null)),
    ],
    ["alerts: median latency", latency(judged)],
    ["suggestion inside the right interval", share(judged, j => isInside(j, 0))],
    ["… or nearest to one of the right learning rates", share(judged, j => isInside(j, GRID / 2))],
  ];
  return [
    "| measure | value |",
    "|---|---|",
    ...lines.map(([name, value]) => `| ${name} | ${value} |`),
  ].join("\n");
}

function share<T>(of: readonly T[], test: (item: T) => boolean): string {
  return `${((100 * of.filter(test).length) / of.length).toFixed(1)} % of ${of.length}`;
}

function isOpposite(a: string | null, b: string | null): boolean {
  return (a === "small" && b === "large") || (a === "large" && b === "small");
}

/** The first finding about the learning rate that was raised and not taken back at once. */
function firstAlert({ said }: Judged) {
  return said.findings.find(({ code, state }) => state === "raised" && code.startsWith("lr."));
}

function alert(judged: Judged): "small" | "large" | undefined {
  const first = firstAlert(judged);
  if (!first) return undefined;
  return first.code === "lr.tooSmall" || first.code === "lr.slow" ? "small" : "large";
}

function latency(judged: readonly Judged[]): string {
  const right = judged.filter(j => alert(j) === classOf(j.run.label));
  const steps = right.map(j => (firstAlert(j)?.since ?? 0) + 1).sort((a, b) => a - b);
  const parts = right
    .map(j => ((firstAlert(j)?.since ?? 0) + 1) / (j.run.plan.plannedSteps ?? 1))
    .sort((a, b) => a - b);
  const half = right.length >> 1;
  return `${steps[half]} steps, ${(100 * (parts[half] ?? 0)).toFixed(1)} % of the run`;
}

function isInside({ run, said }: Judged, slack: number): boolean {
  if (!said.suggestion || run.rightLrs.length === 0) return false;
  const decades = run.rightLrs.map(Math.log10);
  const to = Math.log10(said.suggestion.to);
  return to >= Math.min(...decades) - slack - 1e-3 && to <= Math.max(...decades) + slack + 1e-3;
}
