/** Charts of what a step takes: of a run whose record has it. */
import { expect, test } from "vitest";
import { STEP_COLUMNS, type StepColumn } from "../../runtime/protocol/steps.ts";
import { chartsOf } from "../../webview/charts/catalogue.ts";
import { RunSeries } from "../../webview/data/runSeries.ts";
import { DEFAULT_STATE } from "../../webview/viewState.ts";

function chartsWith(values: Partial<Record<StepColumn, number>>) {
  const series = new RunSeries();
  const row = STEP_COLUMNS.map(name => values[name] ?? Number.NaN);
  series.append({
    firstStep: 1,
    count: 3,
    groups: 0,
    tensorCount: 0,
    steps: Float64Array.from([...row, ...row, ...row]),
    lr: new Float64Array(),
    tensors: new Float32Array(),
  });
  return chartsOf(series, [], DEFAULT_STATE);
}

test("the GPU's time is stacked by phase", () => {
  const charts = chartsWith({ gpuForwardMs: 1, gpuBackwardMs: 2, gpuStepMs: 0.5 });
  const chart = charts.find(({ id }) => id === "gpuPhases");
  if (!chart?.draws || !("stack" in chart.draws)) throw new Error("There is no such chart");
  expect(chart.draws.stack.map(({ label, samples }) => [label, samples.at(2)])).toEqual([
    ["forward", 1],
    ["backward", 2],
    ["step", 0.5],
  ]);
});

test("an adapter that tells no times has no chart of them", () => {
  const ids = chartsWith({ stepMs: 9, forwardMs: 1, backwardMs: 1, waitMs: 1 }).map(({ id }) => id);
  expect(ids).toContain("phases");
  expect(ids).not.toContain("gpuPhases");
});
