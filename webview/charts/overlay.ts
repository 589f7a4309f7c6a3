import { Column } from "../data/column.ts";
import type { ComparedRun } from "../data/comparedRuns.ts";
import type { MetricSeries, RunSeries, ShownStepColumn } from "../data/runSeries.ts";
import { type SeedBand, SeedMean } from "../data/seedMean.ts";
import { StoredSeries } from "../data/storedSeries.ts";
import { COMPARED_SLOT, DASHES } from "../slots.ts";
import type { Line } from "./linesModel.ts";

export const NO_SAMPLES = new Column(64);

/** Lines of the runs that are compared with the one that is shown, and how its own are called beside them. */
export class Overlay {
  private readonly runs: readonly ComparedRun[];

  constructor(runs: readonly ComparedRun[]) {
    this.runs = runs;
  }

  get isEmpty(): boolean {
    return this.runs.length === 0;
  }

  /** What the line of the shown run is called, which is `alone` without others. */
  own(alone: string): string {
    return this.isEmpty ? alone : "this run";
  }

  /** The same quantity of all steps of the other runs. */
  steps(name: ShownStepColumn): Line[] {
    return this.runs.map(run => {
      const samples = run.series.step(name);
      // A run of which no row is known is still being read.
      const isMissing = run.series.length > 0 && samples.least === Number.POSITIVE_INFINITY;
      const logged =
        name === "loss" && run.series.isLoggedOnly ? loggedLoss(run.series) : undefined;
      if (logged) {
        const label = `${run.label}, ${logged.name} as logged`;
        return { ...lineOf(run), label, ...samplesOf(logged.metric) };
      }
      return isMissing ? absentLine(run, "not measured") : { ...lineOf(run), samples };
    });
  }

  /** η of each parameter group of the other runs. */
  rates(): Line[] {
    return this.runs.flatMap(run => {
      const { series } = run;
      if (series.groups === 0 && series.length > 0) return [absentLine(run, "not measured")];
      return rateColumns(series).map(({ group, samples }) => ({
        ...lineOf(run),
        label: series.groups === 1 ? run.label : `${run.label}, group ${group}`,
        samples,
      }));
    });
  }

  /**
   * What the other runs logged by a name. `isLoss`: it is the loss of a run of which nothing was measured,
   * beside which stands what was measured of the others.
   */
  metric(name: string, isLoss: boolean): Line[] {
    return this.runs.map(run => {
      const metric = run.series.metrics.get(name);
      const measured = run.series.step("loss");
      if (!metric && isLoss && measured.least < Number.POSITIVE_INFINITY) {
        return { ...lineOf(run), label: `${run.label}, loss as measured`, samples: measured };
      }
      return metric ? { ...lineOf(run), ...samplesOf(metric) } : absentLine(run, "not logged");
    });
  }

  /** Names by which any of the runs, or `series`, has logged something. */
  metricNames(series: RunSeries): string[] {
    const all = [series, ...this.runs.map(run => run.series)];
    return [...new Set(all.flatMap(({ metrics }) => [...metrics.keys()]))];
  }
}

/** What a loss of training is called in TensorBoard, as PyTorch's users log it. */
const LOSS_NAME = /^(train(ing)?[/_. -])?loss([/_. -](train(ing)?|step))?$/i;

/** What a run has logged as its loss, of which nothing else is known; of several the one that says so. */
export function loggedLoss({ metrics }: RunSeries) {
  const found = [...metrics].filter(([name]) => LOSS_NAME.test(name));
  const [loss] = found.sort(([a], [b]) => Number(/train/i.test(b)) - Number(/train/i.test(a)));
  return loss && { name: loss[0], metric: loss[1] };
}

/**
 * Lines of a chart in which those of runs that belong together are one: their mean, with the band from
 * their least to their greatest, or of a deviation around it. `groups` holds the series of such runs; `own` is that of the shown run,
 * whose line is the first. Runs that have several lines, or none, in the chart keep theirs.
 */
export function joinReplicates(
  lines: readonly Line[],
  own: RunSeries,
  groups: readonly (readonly RunSeries[])[],
  band: SeedBand,
): readonly Line[] {
  return groups.reduce<readonly Line[]>((all, group) => {
    const members = group.flatMap(series =>
      series === own ? all.slice(0, 1) : all.filter(line => line.series === series),
    );
    const [first] = members;
    const isOne = members.length === group.length && !members.some(line => line.absent);
    if (!first || !isOne || !areAligned(group, members)) return all;
    const columns = members.map(({ samples }) => samples);
    // Each asks for its steps, until all are there.
    const missing = columns.filter(each => each instanceof StoredSeries && !each.whole());
    if (missing.length > 0) return all;
    const spread = new SeedMean(columns, band);
    const name = `mean ${band === "deviation" ? "± deviation " : ""}of ${group.length} seeds`;
    const label = first.series ? `${first.label}, ${name}` : name;
    const mean = { ...first, label, samples: spread.mean, spread };
    return all.flatMap(line => (line === first ? [mean] : members.includes(line) ? [] : [line]));
  }, lines);
}

/** Whether the samples of the members were taken at the same steps, as far as all of them go. */
function areAligned(group: readonly RunSeries[], members: readonly Line[]): boolean {
  const [begin] = group.map(series => series.positions("step").at(0));
  if (group.some(series => series.positions("step").at(0) !== begin)) return false;
  const rows = members.map(line => line.rows);
  const length = Math.min(...rows.map(each => each?.length ?? 0));
  for (let i = 0; i < length; i++) {
    if (rows.some(each => each?.at(i) !== rows[0]?.at(i))) return false;
  }
  return true;
}

/** What the shown run logged by a name, in a chart that may hold the same of others. */
export function ownMetric(series: RunSeries, name: string, label: string): Line {
  const metric = series.metrics.get(name);
  return metric
    ? { label, ...samplesOf(metric) }
    : { label, samples: NO_SAMPLES, absent: "not logged" };
}

/** η by parameter group, as many as can be told apart. */
export function rateColumns(series: RunSeries): { group: number; samples: StoredSeries }[] {
  return Array.from({ length: Math.min(series.groups, DASHES.length) }, (_, group) => {
    const samples = series.lr(group);
    return samples ? [{ group, samples }] : [];
  }).flat();
}

function lineOf({ label, series, slot }: ComparedRun): Pick<Line, "label"> & Partial<Line> {
  return { label, series, slot: COMPARED_SLOT + slot };
}

function absentLine(run: ComparedRun, absent: string): Line {
  return { ...lineOf(run), samples: NO_SAMPLES, absent };
}

function samplesOf({ rows, values }: MetricSeries): Pick<Line, "samples" | "rows"> {
  return { samples: values, rows };
}
