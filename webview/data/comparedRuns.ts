import type { MetricRecord } from "../../runtime/protocol/metric.ts";
import { MOST_COMPARED, type ToPageMessage } from "../../runtime/protocol/page.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { BASELINE } from "../slots.ts";
import type { Asked } from "./binRequests.ts";
import { RunSeries } from "./runSeries.ts";

/** A run whose lines are drawn over those of the one that is shown. */
export interface ComparedRun {
  readonly runFolder: string;
  /** What it is called in legends: no two runs have the same. */
  readonly label: string;
  readonly run: RunRecord;
  readonly series: RunSeries;
  /** Number of its colour and dash among those of compared runs; it keeps it while it is there. */
  readonly slot: number;
  /** It is pinned: drawn faintly, and not chosen for this run alone. */
  readonly isBaseline: boolean;
}

/** What a host sends of compared runs. */
export type ComparedMessage = Extract<
  ToPageMessage,
  { type: "compared" | "comparedRun" | "comparedSteps" | "comparedMetrics" | "comparedGone" }
>;

interface Held {
  readonly name: string;
  run: RunRecord;
  readonly series: RunSeries;
  readonly slot: number;
}

/** The runs that are compared with the one that is shown, as far as the host has sent them. */
export class ComparedRuns {
  private readonly held = new Map<string, Held>();
  private readonly ask: (runFolder: string, asked: Asked) => void;
  private pinned: string | undefined;
  private labelled: readonly ComparedRun[] = [];

  /** `ask` sends the host requests for bins of a run. */
  constructor(ask: (runFolder: string, asked: Asked) => void = () => {}) {
    this.ask = ask;
  }

  /** The steps of a run, as far as they are known; undefined for one that is not held. */
  seriesOf(runFolder: string): RunSeries | undefined {
    return this.held.get(runFolder)?.series;
  }

  /** The pinned run; undefined for none. */
  get baseline(): string | undefined {
    return this.pinned;
  }

  /** In the order in which they came, the baseline last. */
  get all(): readonly ComparedRun[] {
    return this.labelled;
  }

  /** Steps of some of them are still on their way. */
  get isLoading(): boolean {
    return this.labelled.some(({ run, series }) => series.lastStep < run.steps);
  }

  /** Forgets all runs. */
  clear(): void {
    this.pinned = undefined;
    this.keep([]);
  }

  /** Forgets all runs but these and the baseline. */
  keep(runFolders: readonly string[]): void {
    for (const folder of this.held.keys()) {
      if (folder !== this.pinned && !runFolders.includes(folder)) this.held.delete(folder);
    }
    this.label();
  }

  /** Another run is the baseline, or none; that before it stays if it is among these. */
  pin(runFolder: string | undefined, runFolders: readonly string[]): void {
    this.pinned = runFolder;
    this.keep(runFolders);
  }

  /** Takes what the host sends of a run; what it sends of one that was forgotten is ignored. */
  receive(message: ComparedMessage): void {
    const { runFolder } = message;
    if (message.type === "compared") {
      const { name, run, stored } = message;
      const slot = this.held.get(runFolder)?.slot ?? this.freeSlot();
      const series = new RunSeries(asked => this.ask(runFolder, asked));
      if (stored) series.begin(stored, 0);
      this.held.set(runFolder, { name, run, series, slot });
      this.label();
      return;
    }
    const held = this.held.get(runFolder);
    if (!held) return;
    switch (message.type) {
      case "comparedRun":
        held.run = message.run;
        this.label();
        break;
      case "comparedSteps":
        held.series.appendCurves(message.curves);
        break;
      case "comparedMetrics":
        addMetrics(held, message.metrics);
        break;
      case "comparedGone":
        this.held.delete(runFolder);
        this.label();
        break;
    }
  }

  private freeSlot(): number {
    const taken = new Set([...this.held.values()].map(({ slot }) => slot));
    return Array.from({ length: MOST_COMPARED }, (_, i) => i).find(i => !taken.has(i)) ?? 0;
  }

  private label(): void {
    const seen = new Map<string, number>();
    const all = [...this.held].map(([runFolder, { name, run, series, slot }]) => {
      const label = runLabel(name, run);
      const before = seen.get(label) ?? 0;
      seen.set(label, before + 1);
      const isBaseline = runFolder === this.pinned;
      return {
        runFolder,
        run,
        series,
        slot: isBaseline ? BASELINE : slot,
        isBaseline,
        label: before > 0 ? `${label} (${before + 1})` : label,
      };
    });
    this.labelled = all.sort((a, b) => Number(a.isBaseline) - Number(b.isBaseline));
  }
}

function addMetrics({ run, series }: Held, metrics: readonly MetricRecord[]): void {
  // Of a run that was imported all metrics come at once.
  if (run.steps === 0 && run.status !== "running") series.addLoggedOnly(metrics);
  else for (const metric of metrics) series.addMetric(metric);
}

/** What a run is called: by the user's own name for it, else by its script and the time of its start. */
export function runLabel(
  name: string,
  { script, startedAt }: Pick<RunRecord, "script" | "startedAt">,
) {
  return name || `${script.split(/[\\/]/).pop() || script} ${formatStart(startedAt)}`;
}

/** A time of this day alone, else with its date. `startedAt`: milliseconds since 1970. */
function formatStart(startedAt: number): string {
  const start = new Date(startedAt);
  const time = start.toLocaleTimeString(undefined, { timeStyle: "medium" });
  if (start.toDateString() === new Date().toDateString()) return time;
  return `${start.toLocaleDateString(undefined, { month: "short", day: "numeric" })} ${time}`;
}
