/**
 * `node test/bench/compare.ts`: ten runs of 100,000 steps, compared in a browser: milliseconds from the
 * opening of the page to the picture that has every step of all of them. Needs `npm run build`.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Page } from "playwright-core";
import { PageServer } from "../../runtime/page/server.ts";
import { PageSession } from "../../runtime/page/session.ts";
import { STEP_COLUMNS, type StepBatch, TENSOR_COLUMNS } from "../../runtime/protocol/steps.ts";
import { createRunFolder } from "../../runtime/store/paths.ts";
import { afterBatch, RunWriter } from "../../runtime/store/writer.ts";
import { launchBrowser } from "../host/chromium.ts";
import { exampleRun } from "../unit/run-example.ts";
import { table } from "./table.ts";

const RUNS = 10;
const STEPS = 100_000;
const SAMPLES = 5;
/** Steps of a batch: a sidecar stores some twenty times a second. */
const BATCH = 50;

const project = mkdtempSync(join(tmpdir(), "stepscope-bench-"));
try {
  writeFileSync(join(project, "tsconfig.json"), "{}");
  const [first = "", ...others] = Array.from({ length: RUNS }, (_, i) => storeRun(i));
  const server = new PageServer({
    view: () => undefined,
    assets: join(import.meta.dirname, "../../dist/webview"),
    open: post => new PageSession(first, others, post),
  });
  const address = await server.listen();
  await using browser = await launchBrowser({ width: 900, height: 1200 });
  const samples: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const page = await browser.context.newPage();
    const start = performance.now();
    await page.goto(address);
    while (!(await isComplete(page))) await setTimeout(5);
    samples.push(performance.now() - start);
    await page.close();
  }
  await server.close();
  const what = `${RUNS} runs of ${STEPS} steps compared: opening to all steps on the charts`;
  console.log(table([{ what, unit: "ms", samples, goal: "≤ 1000 ms" }]));
} finally {
  rmSync(project, { recursive: true });
}

/** Whether the chart of the loss has a value at the last step of every run. */
async function isComplete(page: Page): Promise<boolean> {
  const chart = page.locator("[data-chart=loss]");
  if ((await chart.count()) === 0) return false;
  if ((await chart.getAttribute("data-last-step")) !== String(STEPS)) return false;
  const values = await chart.locator(".legend-value").allTextContents();
  return values.filter(text => /\d/.test(text)).length === RUNS;
}

/** A finished run with two tensors; returns its folder. */
function storeRun(seed: number): string {
  const { id, folder } = createRunFolder(join(project, "digits.ts"));
  let record = exampleRun({ id, seed });
  const writer = new RunWriter(folder, record, "");
  for (let step = 1; step <= STEPS; step += 100 * BATCH) {
    const batches = Array.from({ length: 100 }, (_, i) => batchOf(step + i * BATCH, seed));
    for (const batch of batches) record = afterBatch(record, batch);
    const status = record.steps === STEPS ? "completed" : "running";
    record = { ...record, status, ...(status === "completed" && { endedAt: 2e12 }) };
    writer.add({ record, batches, logs: [], metrics: [] });
  }
  writer.close();
  return folder;
}

/** Noise around a falling loss; the other columns are as noisy. */
function batchOf(firstStep: number, seed: number): StepBatch {
  const steps = Float64Array.from({ length: BATCH * STEP_COLUMNS.length }, (_, i) => {
    const step = firstStep + Math.floor(i / STEP_COLUMNS.length);
    const column = STEP_COLUMNS[i % STEP_COLUMNS.length];
    if (column === "time") return 2 * step;
    return (1 + seed / 10) * Math.exp(-step / 30_000) * (1 + Math.random() / 4);
  });
  const tensors = { length: BATCH * 2 * TENSOR_COLUMNS.length };
  return {
    firstStep,
    count: BATCH,
    groups: 1,
    tensorCount: 2,
    steps,
    lr: new Float64Array(BATCH).fill(1e-3 * (1 + seed)),
    tensors: Float32Array.from(tensors, () => 1e-3 * Math.random()),
  };
}
