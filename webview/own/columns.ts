import type { Window } from "../charts/model.ts";
import type { Positions } from "../data/axis.ts";
import { binRows, rowAt, rowsIn } from "../data/axis.ts";
import { noExtremes, type Samples } from "../data/column.ts";
import type { RunSeries, ShownStepColumn, ShownTensorColumn } from "../data/runSeries.ts";

/** Rows of a run that a chart of the user's own draws at most: what Vega redraws while one watches. */
export const MOST_ROWS = 2000;

/** A column of a run that has one value a step, or at some steps. */
export interface RunColumn {
  readonly about: string;
  readonly samples: Samples;
  /** Rows of the run at which the samples were taken; without them, sample i is that of row i. */
  readonly rows?: Positions;
}

const STEP_COLUMNS: Readonly<Partial<Record<ShownStepColumn, string>>> = {
  loss: "mean loss of the step",
  gradNorm: "‖g‖₂ over all parameters, before clipping",
  clippedGradNorm: "‖g‖₂ after clipping",
  stepToWeight: "‖Δθ‖ / ‖θ‖",
  stepMs: "time of the step, ms",
  forwardMs: "of it before backward(), ms",
  backwardMs: "of it in backward(), ms",
  waitMs: "of it waiting for the GPU, ms",
  gpuForwardMs: "of the GPU, for the forward pass, ms",
  gpuBackwardMs: "of the GPU, for the backward pass, ms",
  gpuStepMs: "of the GPU, for the optimizer, ms",
};

const TENSOR_COLUMNS: Readonly<Record<ShownTensorColumn, string>> = {
  gradNorm: "‖g‖₂",
  stepToWeight: "‖Δθ‖ / ‖θ‖",
  signFlips: "share of elements whose gradient turned",
  nonFinite: "elements of the gradient that are not finite",
  effectiveLrP5: "η per element, 5th percentile",
  effectiveLrP50: "η per element, median",
  effectiveLrP95: "η per element, 95th percentile",
  stepSizeP5: "|Δθ| per element, 5th percentile",
  stepSizeP50: "|Δθ| per element, median",
  stepSizeP95: "|Δθ| per element, 95th percentile",
};

/** The columns of a run by name; those of its tensor number `tensor` are called `tensor/…`. */
export function columnsOf(series: RunSeries, tensor: number): ReadonlyMap<string, RunColumn> {
  const columns = new Map<string, RunColumn>();
  const add = (name: string, about: string, samples: Samples | undefined, rows?: Positions) => {
    if (samples && !columns.has(name)) columns.set(name, { about, samples, ...(rows && { rows }) });
  };
  add(
    "step",
    "number of the step, from 1",
    samplesOf(() => series.positions("step")),
  );
  add(
    "time",
    "seconds since the start",
    samplesOf(() => series.positions("time")),
  );
  if (!series.isLoggedOnly) {
    add(
      "epoch",
      "passes over the data",
      samplesOf(() => series.positions("epoch")),
    );
    add(
      "samples",
      "samples that were read",
      samplesOf(() => series.positions("samples")),
    );
    for (const [name, about] of Object.entries(STEP_COLUMNS)) {
      add(name, about, series.step(name as ShownStepColumn));
    }
    add("updateMs", "time of the optimizer, ms", series.step("updateMs"));
    add("stepRate", "steps a second", series.step("stepRate"));
    add("gpuMemory", "buffers of the GPU, MiB", series.step("gpuMemory"));
    add("heapMemory", "heap of JavaScript, MiB", series.step("heapMemory"));
    for (let group = 0; group < series.groups; group++) {
      add(group === 0 ? "lr" : `lr/${group}`, `η of group ${group}`, series.lr(group));
    }
    for (const [name, about] of Object.entries(TENSOR_COLUMNS)) {
      const samples = series.tensor(tensor, name as ShownTensorColumn);
      add(`tensor/${name}`, `${about}, of the chosen tensor`, samples);
    }
  }
  for (const [name, { rows, values }] of series.metrics) add(name, "logged", values, rows);
  return columns;
}

/** Numbers that never fall, as samples; those of a long run are asked for where they are used. */
function samplesOf(known: () => Positions): Samples {
  return {
    get length() {
      return known().length;
    },
    at: row => known().at(row),
    extremes(from, to, _scale, found) {
      const positions = known();
      const last = Math.min(to, positions.length) - 1;
      const [first, min, max] = [
        Math.max(0, from),
        positions.at(Math.max(0, from)),
        positions.at(last),
      ];
      Object.assign(found, noExtremes());
      if (last < first) return;
      const rows = { minRow: first, firstRow: first, maxRow: last, lastRow: last };
      Object.assign(found, { ...rows, min, first: min, max, last: max });
    },
  };
}

/** The value of a column at a row; null where there is none, or none that can be drawn. */
export function valueAt({ samples, rows }: RunColumn, row: number): number | null {
  const index = rows ? rowAt(rows, row + 1) - 1 : row;
  const value = !rows || rows.at(index) === row ? samples.at(index) : Number.NaN;
  return Number.isFinite(value) ? value : null;
}

/**
 * Rows in a window that show it: all of them, or at most about `most`, among which are the first and the
 * last and, of each part of it, those with the least and the greatest value of each column.
 */
export function sampledRows(
  columns: readonly RunColumn[],
  window: Window,
  most: number,
): readonly number[] {
  const [from, to] = rowsIn(window.positions, window.domain);
  const parts = Math.max(1, Math.floor(most / (2 * Math.max(1, columns.length))) - 2);
  for (const { samples } of columns) samples.whole?.();
  for (const { samples } of columns) samples.aim?.(from, to, to - from <= most ? to - from : parts);
  if (to - from <= most) return Array.from({ length: to - from }, (_, i) => from + i);
  const starts = binRows(window.positions, window.domain, window.scale, parts);
  const borders = starts.map(row => Math.min(Math.max(row, from), to));
  const found = noExtremes();
  const rows = new Set<number>([from, to - 1]);
  for (const { samples, rows: places } of columns) {
    const index = (row: number) => (places ? rowAt(places, row) : row);
    const row = (at: number) => (places ? places.at(at) : at);
    for (let i = 0; i + 1 < borders.length; i++) {
      samples.extremes(index(borders[i] ?? 0), index(borders[i + 1] ?? 0), "linear", found);
      if (found.firstRow < 0) continue;
      rows.add(row(found.minRow)).add(row(found.maxRow));
    }
  }
  return [...rows].sort((a, b) => a - b);
}
