/** What the evaluation of the diagnosis counts. */
import { type Diagnosis, replay } from "../../../runtime/insight/diagnosis/replay.ts";
import type { Scorecard } from "../../../runtime/insight/diagnosis/scorecard.ts";
import { median } from "../../../runtime/insight/diagnosis/signals.ts";
import { classOf, type LabelledRun } from "./corpus.ts";

/** A labelled run, and what was said of it. */
export interface Judged {
  readonly run: LabelledRun;
  readonly said: Diagnosis;
  /** What was said of it as in a script, which does not say how many steps it is going to take. */
  readonly live: Diagnosis;
}

/** A run that is replayed, with and without its length. */
export function judge(run: LabelledRun, card?: Scorecard): Judged {
  const plan = { ...run.plan, plannedSteps: undefined };
  return { run, said: replay(run, card), live: replay({ ...run, plan }, card) };
}

/** Part of what can be gained that a right learning rate may miss. */
export const MOST_REGRET = 0.1;

/** Kinds of optimizers, by their names. */
export const OPTIMIZERS = {
  "Adam, AdamW, NAdam": /adam/,
  "RMSprop, Adagrad, Lion": /rms|adagrad|lion/,
  "SGD with momentum": /mom|nesterov/,
  "SGD without": /sgd/,
} as const;

/** How many times the steps of the fastest learning rate make a right one slow. */
const SLOW = 3;

/** Losses whose median says where a run has come to. */
const WINDOW = 10;

/** Decades by which neighbouring learning rates of the labels' grid are apart. */
const GRID = 0.5;

/** The figures as a table in Markdown, one column for each set of runs. */
export function table(sets: Readonly<Record<string, readonly Judged[]>>): string {
  const columns = Object.values(sets).map(figures);
  const [first = []] = columns;
  return [
    `| measure | ${Object.keys(sets).join(" | ")} |`,
    `|---|${"---|".repeat(columns.length)}`,
    ...first.map(([name], i) => `| ${name} | ${columns.map(each => each[i]?.[1]).join(" | ")} |`),
  ].join("\n");
}

/** Whether it holds of each optimizer and each length: the verdict and the suggestion, one row for each group of runs. */
export function groupTable(judged: readonly Judged[]): string {
  const optimizers = Object.entries(OPTIMIZERS).map(([name, of]) => [name, ofOptimizer(of)]);
  const groups: Readonly<Record<string, (judged: Judged) => boolean>> = {
    ...Object.fromEntries(optimizers),
    "100 to 250 steps": ofLength(0, 250),
    "300 to 500 steps": ofLength(251, 500),
    "600 to 2000 steps": ofLength(501, 2000),
  };
  const rows = Object.entries(groups).map(([name, isOf]) => {
    const of = judged.filter(isOf);
    const isRight = share(of, ({ run, said }) => classOf(said.at25) === classOf(run.label));
    return `| ${name} | ${isRight} | ${share(of, j => isGood(j, judged))} |`;
  });
  return [
    "| runs | verdict right at 25 % | suggestion within a tenth of what can be gained |",
    "|---|---|---|",
    ...rows,
  ].join("\n");
}

function ofOptimizer(name: RegExp) {
  return ({ run }: Judged) => name.test(String(run.meta.optimizer));
}

function ofLength(least: number, most: number) {
  return ({ run: { plan } }: Judged) =>
    (plan.plannedSteps ?? 0) >= least && (plan.plannedSteps ?? 0) <= most;
}

/** Names and values. */
function figures(judged: readonly Judged[]): readonly (readonly [string, string])[] {
  return [
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
      "… not counting slow runs",
      share(
        judged.filter(({ run }) => run.label === "right"),
        j => alert(j) !== undefined && !(alert(j) === "small" && isSlow(j.run, sweepOf(j, judged))),
      ),
    ],
    [
      "alerts the wrong way",
      share(judged, j => isOpposite(classOf(j.run.label), alert(j) ?? null)),
    ],
    ["alerts: median latency", latency(judged)],
    ...liveFigures(judged),
    ["suggestion inside the right interval", share(judged, j => isInside(j, 0))],
    ["… or nearest to one of the right learning rates", share(judged, j => isInside(j, GRID / 2))],
    ["suggestion within a tenth of what can be gained", share(judged, j => isGood(j, judged))],
  ];
}

/** What is said of runs whose length is not known, until it is: while they go, and when they are over. */
function liveFigures(judged: readonly Judged[]): readonly (readonly [string, string])[] {
  const asLive = judged.map(({ run, live }) => ({ run, said: live, live }));
  const wrong = asLive.filter(({ run }) => run.label !== "right");
  const right = asLive.filter(({ run }) => run.label === "right");
  const isEarly = (j: Judged) =>
    (firstAlert(j)?.since ?? Number.NaN) < (j.run.records.at(-1)?.t ?? 0);
  const isNamed = (j: Judged) => alert(j) === classOf(j.run.label);
  return [
    ["length not known: recall while they go", share(wrong, j => isNamed(j) && isEarly(j))],
    ["… and at their end", share(wrong, isNamed)],
    ["… precision", share(asLive.filter(alert), isNamed)],
    ["… false on right runs", share(right, j => alert(j) !== undefined)],
  ];
}

/** How many of some are so, as a text. */
export function share<T>(of: readonly T[], test: (item: T) => boolean): string {
  if (of.length === 0) return "–";
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
  if (right.length === 0) return "–";
  const half = right.length >> 1;
  return `${steps[half]} steps, ${(100 * (parts[half] ?? 0)).toFixed(1)} % of the run`;
}

function isInside({ run, said }: Judged, slack: number): boolean {
  if (!said.suggestion || run.rightLrs.length === 0) return false;
  const decades = run.rightLrs.map(Math.log10);
  const to = Math.log10(said.suggestion.to);
  return to >= Math.min(...decades) - slack - 1e-3 && to <= Math.max(...decades) + slack + 1e-3;
}

/** The runs at all learning rates of the same family: another kind may have one of the same name. */
function sweepOf({ run }: Judged, judged: readonly Judged[]): readonly LabelledRun[] {
  return judged
    .map(each => each.run)
    .filter(({ scenario, meta }) => scenario === run.scenario && meta.kind === run.meta.kind);
}

/** Whether it takes three times the steps of the fastest run, or more, to come within a tenth of what can be gained. */
function isSlow(run: LabelledRun, sweep: readonly LabelledRun[]): boolean {
  const fastest = Math.min(...sweep.map(stepsToArrive));
  return stepsToArrive(run) >= SLOW * fastest;
}

function stepsToArrive({ meta, records }: LabelledRun): number {
  const [first, best] = [Number(meta.initialLoss), Number(meta.bestLoss)];
  const goal = best + MOST_REGRET * (first - best);
  const at = records.findIndex(
    (_, i) =>
      i + 1 >= WINDOW &&
      median(records.slice(i + 1 - WINDOW, i + 1).map(({ loss }) => loss)) <= goal,
  );
  return at < 0 ? Number.POSITIVE_INFINITY : at + 1;
}

function isGood(of: Judged, judged: readonly Judged[]): boolean {
  return suggestedRegret(of, sweepOf(of, judged)) <= MOST_REGRET;
}

/** Regret at the suggestion, on a line between those of its neighbours in the sweep. */
function suggestedRegret({ said }: Judged, sweep: readonly LabelledRun[]): number {
  if (!said.suggestion) return Number.POSITIVE_INFINITY;
  const to = Math.log10(said.suggestion.to);
  const points = sweep
    .map(({ plan, meta }) => [Math.log10(plan.lr), Number(meta.regret)] as const)
    .sort(([a], [b]) => a - b);
  const above = points.findIndex(([lr]) => lr >= to);
  const [right, left] = [points[above], points[above - 1]];
  if (!right) return Number.POSITIVE_INFINITY;
  if (!left) return right[1];
  return left[1] + ((to - left[0]) / (right[0] - left[0])) * (right[1] - left[1]);
}
