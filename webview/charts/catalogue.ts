import type { TensorRecord } from "../../runtime/protocol/run.ts";
import type { ComparedRun } from "../data/comparedRuns.ts";
import type { Histograms } from "../data/histograms.ts";
import { RatePlan } from "../data/ratePlan.ts";
import type { RunSeries, ShownTensorColumn } from "../data/runSeries.ts";
import type { ScaleKind } from "../data/scale.ts";
import type { StoredSeries } from "../data/storedSeries.ts";
import { DASHES } from "../slots.ts";
import type { MapKind, ViewState } from "../viewState.ts";
import type { BandColumns } from "./bandModel.ts";
import type { HeatRow } from "./heatCells.ts";
import type { HistogramSource } from "./histogramCells.ts";
import type { Line } from "./linesModel.ts";
import { moduleOrder } from "./moduleOrder.ts";
import { loggedLoss, NO_SAMPLES, Overlay, ownMetric, rateColumns } from "./overlay.ts";
import type { Layer } from "./stackModel.ts";

/** Lines beside that of all parameters: as many as there are dashes to tell them apart. */
export const MOST_TENSORS = DASHES.length - 1;

export type Choice = "tensor" | "tensors" | "mapped";

const MAP_UNITS: Readonly<Record<MapKind, string>> = {
  stepSize: "|Δθ| per element",
  effectiveLr: "η per element",
};

/** A chart of a run: what it is called, how it is drawn and what of. */
export interface ChartDefinition {
  readonly id: string;
  readonly title: string;
  readonly axisTitle: string;
  /** The scale of its y axis unless another was chosen. */
  readonly scale: ScaleKind;
  /** What the user chooses for it: one tensor, some to stand beside all parameters, or what the map shows. */
  readonly choice?: Choice;
  /** It has a moving average. */
  readonly smoothed?: true;
  /** A value that is drawn as a horizontal line. */
  readonly guide?: number;
  /** Undefined while the run has nothing for it. */
  readonly draws:
    | { readonly lines: readonly Line[] }
    | { readonly band: BandColumns }
    | { readonly stack: readonly Layer[] }
    | { readonly histogram: HistogramSource }
    /** One row a tensor, from the top, and the name of the chosen one. */
    | { readonly heat: readonly HeatRow[]; readonly chosen: string }
    | undefined;
}

/** All charts of a run, in order. */
export function chartsOf(
  series: RunSeries,
  tensors: readonly TensorRecord[],
  { gradientTensors, tensor, mapped, x }: ViewState,
  compared: readonly ComparedRun[] = [],
  histograms?: Histograms,
  plan = new RatePlan(),
): ChartDefinition[] {
  const overlay = new Overlay(compared);
  const index = Math.max(
    0,
    tensors.findIndex(({ name }) => name === tensor),
  );
  if (series.isLoggedOnly) return metricCharts(series, overlay);
  const adaptive = tensors[index]?.adaptive ?? true;
  const signFlips = series.tensor(index, "signFlips");
  const chosen = chosenLines(series, tensors, gradientTensors);
  const clipped = series.step("clippedGradNorm");
  const started = series.length > 0;
  const lines = (shown: readonly Line[]) =>
    started && shown.length > 0 ? { lines: shown } : undefined;
  return [
    {
      id: "loss",
      title: "Loss",
      axisTitle: "loss of the step",
      // A logarithm shows orders of magnitude; a loss that has been negative has none.
      scale: series.step("loss").least < 0 ? "linear" : "log",
      smoothed: true,
      draws: lines([
        { label: overlay.own("loss"), samples: series.step("loss") },
        ...overlay.steps("loss"),
      ]),
    },
    {
      id: "gradNorm",
      title: "Gradient norm",
      axisTitle: "‖g‖₂",
      scale: "log",
      choice: "tensors",
      smoothed: true,
      draws: lines([
        { label: overlay.own("all parameters"), samples: series.step("gradNorm") },
        ...(clipped.least < Infinity ? [{ label: "after clipping", samples: clipped }] : []),
        ...chosen("gradNorm"),
        ...overlay.steps("gradNorm"),
      ]),
    },
    {
      id: "effectiveLr",
      title: "Effective learning rate",
      axisTitle: adaptive ? "η per element" : "η",
      scale: "log",
      choice: "tensor",
      draws: bandOf(series, index, "effectiveLr"),
    },
    {
      id: "stepSize",
      title: "Step size",
      axisTitle: "|Δθ| per element",
      scale: "log",
      choice: "tensor",
      draws: bandOf(series, index, "stepSize"),
    },
    ...histogramChart(series, tensors, index, histograms),
    {
      id: "lr",
      title: "Learning rate",
      axisTitle: "η",
      scale: "linear",
      draws: ratesOf(
        series,
        overlay,
        x === "step" && plan.end > series.lastStep ? plan : undefined,
      ),
    },
    {
      id: "stepToWeight",
      title: "Step : weight",
      axisTitle: "‖Δθ‖ / ‖θ‖",
      scale: "log",
      choice: "tensors",
      smoothed: true,
      guide: 1e-3,
      draws: lines([
        { label: overlay.own("all parameters"), samples: series.step("stepToWeight") },
        ...chosen("stepToWeight"),
        ...overlay.steps("stepToWeight"),
      ]),
    },
    {
      id: "signFlips",
      title: "Sign flips",
      axisTitle: "share of elements whose gradient turned",
      scale: "linear",
      choice: "tensor",
      smoothed: true,
      guide: 0.5,
      draws: lines(signFlips ? [{ label: "sign flips", samples: signFlips }] : []),
    },
    {
      id: "heatMap",
      title: "All tensors",
      axisTitle: `median ${MAP_UNITS[mapped]}`,
      scale: "linear",
      choice: "mapped",
      draws: heatOf(series, tensors, mapped, index),
    },
    {
      id: "stepMs",
      title: "Time of a step",
      axisTitle: "milliseconds",
      scale: "log",
      smoothed: true,
      draws: lines([
        { label: overlay.own("step"), samples: series.step("stepMs") },
        ...overlay.steps("stepMs"),
      ]),
    },
    ...costCharts(series),
    ...metricCharts(series, overlay),
  ];
}

/** The histogram of a tensor's step sizes, where the run has recorded it. */
function histogramChart(
  series: RunSeries,
  tensors: readonly TensorRecord[],
  index: number,
  known: Histograms | undefined,
): ChartDefinition[] {
  const tensor = tensors[index];
  const histograms = known?.of(index);
  if (!tensor || !histograms || series.length === 0) return [];
  const elements = tensor.shape.reduce((a, b) => a * b, 1);
  const chart = {
    id: "stepHistogram",
    title: "Histogram of step size",
    axisTitle: "|Δθ| per element",
    scale: "log",
    choice: "tensor",
  } as const;
  const { sampled } = tensor;
  return [{ ...chart, draws: { histogram: { histograms, series, elements, sampled } } }];
}

/** What a run costs in time and memory, as far as its record has it: an older one does not. */
function costCharts(series: RunSeries): ChartDefinition[] {
  const { length } = series;
  const [updateMs, stepRate, gpuMemory, heapMemory] = (
    ["updateMs", "stepRate", "gpuMemory", "heapMemory"] as const
  ).map(name => series.step(name)) as [StoredSeries, StoredSeries, StoredSeries, StoredSeries];
  const phases = [
    { label: "forward", samples: series.step("forwardMs") },
    { label: "backward", samples: series.step("backwardMs") },
    { label: "step", samples: updateMs },
    { label: "waiting for the GPU", samples: series.step("waitMs") },
  ];
  const gpuPhases = [
    { label: "forward", samples: series.step("gpuForwardMs") },
    { label: "backward", samples: series.step("gpuBackwardMs") },
    { label: "step", samples: series.step("gpuStepMs") },
  ];
  const memory = [
    { label: "GPU buffers", samples: gpuMemory },
    { label: "JavaScript heap", samples: heapMemory },
  ];
  const charts: (ChartDefinition & { readonly of: StoredSeries })[] = [
    {
      id: "phases",
      title: "Time by phase",
      axisTitle: "ms of the host",
      scale: "linear",
      draws: length > 0 ? { stack: phases } : undefined,
      of: updateMs,
    },
    {
      id: "gpuPhases",
      title: "Time of the GPU by phase",
      axisTitle: "ms of the GPU, some 20 steps a second",
      scale: "linear",
      draws: length > 0 ? { stack: gpuPhases } : undefined,
      of: series.step("gpuStepMs"),
    },
    {
      id: "stepRate",
      title: "Steps per second",
      axisTitle: "1 / time of a step",
      scale: "linear",
      smoothed: true,
      draws: length > 0 ? { lines: [{ label: "steps/s", samples: stepRate }] } : undefined,
      of: stepRate,
    },
    {
      id: "memory",
      title: "Memory",
      axisTitle: "MiB",
      scale: "linear",
      draws: length > 0 ? { lines: memory } : undefined,
      of: gpuMemory,
    },
  ];
  // The first step has no time.
  return charts.filter(({ of }) => length < 2 || of.greatest > -Infinity);
}

/**
 * What the script logged: names with the same part before the last `/` share a chart. While runs are
 * compared each name has a chart of its own, in which each run has a line.
 */
function metricCharts(series: RunSeries, overlay: Overlay): ChartDefinition[] {
  const { metrics, length } = series;
  if (!overlay.isEmpty) {
    const loss = series.isLoggedOnly ? loggedLoss(series)?.name : undefined;
    return overlay.metricNames(series).map(name => ({
      ...metricChart(name),
      draws:
        length > 0
          ? {
              lines: [
                ownMetric(series, name, overlay.own(name)),
                ...overlay.metric(name, name === loss),
              ],
            }
          : undefined,
    }));
  }
  const groups = Map.groupBy(metrics, ([name]) => name.split("/").slice(0, -1).join("/") || name);
  return [...groups].map(([title, members]) => ({
    ...metricChart(title),
    draws:
      length > 0
        ? {
            lines: members.slice(0, DASHES.length).map(([name, { rows, values }]) => ({
              label: name === title ? name : name.slice(title.length + 1),
              samples: values,
              rows,
            })),
          }
        : undefined,
  }));
}

function metricChart(title: string): Omit<ChartDefinition, "draws"> {
  const id = `metric:${encodeURIComponent(title)}`;
  return { id, title, axisTitle: "logged", scale: "linear", smoothed: true };
}

/** Lines of the tensors that were chosen, as many as can be told apart. */
function chosenLines(
  series: RunSeries,
  tensors: readonly TensorRecord[],
  chosen: readonly string[],
): (name: ShownTensorColumn) => Line[] {
  return name =>
    tensors
      .flatMap((tensor, i) => {
        const samples = chosen.includes(tensor.name) ? series.tensor(i, name) : undefined;
        return samples ? [{ label: tensor.name, samples }] : [];
      })
      .slice(0, MOST_TENSORS);
}

function bandOf(
  series: RunSeries,
  tensor: number,
  quantity: "effectiveLr" | "stepSize",
): ChartDefinition["draws"] {
  const column = (percentile: "P5" | "P50" | "P95") =>
    series.tensor(tensor, `${quantity}${percentile}` satisfies ShownTensorColumn);
  const [p5, p50, p95] = [column("P5"), column("P50"), column("P95")];
  return p5 && p50 && p95 ? { band: { p5, p50, p95 } } : undefined;
}

/** A row for each tensor that has a median, in the order of the module tree. */
function heatOf(
  series: RunSeries,
  tensors: readonly TensorRecord[],
  quantity: MapKind,
  chosen: number,
): ChartDefinition["draws"] {
  const rows = moduleOrder(tensors.map(({ name }) => name)).flatMap(index => {
    const name = tensors[index]?.name;
    const samples = series.tensor(index, `${quantity}P50`);
    const nonFinite = series.tensor(index, "nonFinite");
    return name !== undefined && samples && nonFinite ? [{ name, samples, nonFinite }] : [];
  });
  return rows.some(({ samples }) => samples.greatest > 0)
    ? { heat: rows, chosen: tensors[chosen]?.name ?? "" }
    : undefined;
}

/** η of each parameter group, and what is planned for it, which may be there before the first step. */
function ratesOf(
  series: RunSeries,
  overlay: Overlay,
  plan: RatePlan | undefined,
): ChartDefinition["draws"] {
  const groups = Math.max(series.groups, plan?.groups ?? 0);
  const isOne = groups === 1;
  const known = rateColumns(series);
  const own: Line[] = Array.from({ length: Math.min(groups, DASHES.length) }, (_, group) => ({
    label: isOne ? overlay.own("η") : `group ${group}`,
    samples: known[group]?.samples ?? NO_SAMPLES,
    ...(plan?.has(group) && {
      planned: { label: isOne ? "planned" : `group ${group} planned`, plan, group },
    }),
  }));
  const hasBegun = series.length > 0;
  const lines = [...own, ...(hasBegun ? overlay.rates() : [])];
  return (hasBegun || plan) && lines.length > 0 ? { lines } : undefined;
}
