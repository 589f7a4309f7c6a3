/**
 * `npm run bench:panel [-- --steps 1000000 --tensors 64 --seconds 600 --rate 1000 --samples 5]`: the panel
 * with a long run that has ended, and with one that is under way at a high rate; what the run takes on the
 * disk, and what recording costs its loop. Medians. The parts one by one: `--only stored,live,cost`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { PageServer } from "../../runtime/page/server.ts";
import { PageSession } from "../../runtime/page/session.ts";
import { type StepBatch, stepValue } from "../../runtime/protocol/steps.ts";
import { EXACT_STEPS } from "../../runtime/store/chunk.ts";
import { RUN_DATABASE } from "../../runtime/store/paths.ts";
import { openRun } from "../../runtime/store/reader.ts";
import { DEFAULT_LAYOUT } from "../../webview/charts/layout.ts";
import { launchBrowser } from "../host/chromium.ts";
import { recordingCost } from "./panel/cost.ts";
import { NotedPage } from "./panel/page.ts";
import { lossAt, MadeUpRun } from "./panel/series.ts";
import { storeRun } from "./panel/storedRun.ts";
import { type Measurement, table } from "./table.ts";

const { values: options } = parseArgs({
  options: {
    steps: { type: "string", default: "1000000" },
    tensors: { type: "string", default: "64" },
    seconds: { type: "string", default: "600" },
    rate: { type: "string", default: "1000" },
    samples: { type: "string", default: "5" },
    only: { type: "string", default: "stored,live,cost" },
  },
});
const [steps, tensors, seconds, rate, samples] = [
  options.steps,
  options.tensors,
  options.seconds,
  options.rate,
  options.samples,
].map(Number) as [number, number, number, number, number];

const MEGABYTE = 1e6;

/** A page with room for eight charts. */
const VIEWPORT = { width: 1400, height: 1500 };

/** Of a run that goes on six charts are watched: those that are the most to draw, and no other. */
const UNWATCHED = [
  "lr",
  "signFlips",
  "stepMs",
  "stepHistogram",
  "phases",
  "gpuPhases",
  "stepRate",
  "memory",
];
const WATCHED = JSON.stringify({ layout: { ...DEFAULT_LAYOUT, hidden: UNWATCHED } });

const load = loadavg()[0] ?? 0;
const project = mkdtempSync(join(tmpdir(), "stepscope-bench-"));
const measurements: Measurement[] = [];
const parts = options.only.split(",");
try {
  writeFileSync(join(project, "tsconfig.json"), "{}");
  if (parts.includes("stored")) measurements.push(...(await measureStored()));
  if (parts.includes("live")) measurements.push(...(await measureLive()));
  if (parts.includes("cost")) measurements.push(await measureCost());
} finally {
  rmSync(project, { recursive: true });
}
console.log(`\n${table(measurements)}\n`);
console.log(
  `${cpus()[0]?.model ?? "processor unknown"}, ${cpus().length} cores, Node ${process.version}; ` +
    `load before the start: ${load.toFixed(1)}.`,
);

/** Size, opening, zoom and heap of a run that has ended. */
async function measureStored(): Promise<Measurement[]> {
  const begin = performance.now();
  const folder = storeRun(join(project, "stored.ts"), steps, tensors);
  console.log(`Recorded ${steps} steps in ${((performance.now() - begin) / 1000).toFixed(1)} s.`);
  const run = `${steps} steps × ${tensors} tensors`;
  const size = statSync(join(folder, RUN_DATABASE)).size / MEGABYTE;
  const [opened, gestures, heaps]: [number[], number[], number[]] = [[], [], []];
  await withPages(
    folder,
    async open => {
      for (let i = 0; i < samples; i++) {
        const page = await open();
        opened.push(await page.painted());
        // All charts have been seen, and have what they draw.
        await page.page.locator("[data-chart=memory]").scrollIntoViewIfNeeded();
        await sleep(1000);
        await page.page.locator("[data-chart=loss]").scrollIntoViewIfNeeded();
        await sleep(1000);
        gestures.push(...(await zoomIn(page)));
        heaps.push((await page.heap()) / MEGABYTE);
        await page.page.close();
      }
    },
    { lastStep: steps },
  );
  return [
    { what: `${run} on the disk`, unit: "MB", samples: [size], goal: "≤ 1000 MB" },
    { what: "opened: all visible charts complete", unit: "ms", samples: opened, goal: "≤ 1000 ms" },
    {
      what: "a zoom or pan: all of them at full resolution",
      unit: "ms",
      samples: gestures,
      goal: "≤ 50 ms",
    },
    { what: "heap of the page then", unit: "MB", samples: heaps, goal: "≤ 150 MB" },
  ];
}

/** Into the middle of the run down to some hundred steps, and a part of the window to the left each time. */
async function zoomIn(page: NotedPage): Promise<number[]> {
  const found: number[] = [];
  for (let width = steps; width > 400; width /= 2.7) {
    for (const gesture of [
      { ctrlKey: true, deltaY: -500 },
      { shiftKey: true, deltaY: -150 },
    ]) {
      found.push(await page.gesture(gesture));
      await sleep(150);
    }
  }
  return found;
}

/** Redraws, long tasks and heap while a run goes on, and whether all of its steps come through. */
async function measureLive(): Promise<Measurement[]> {
  const script = join(project, "live.ts");
  const loop = spawn(
    process.execPath,
    [join(import.meta.dirname, "panel/loop.ts"), script, `${rate}`, `${seconds}`, `${tensors}`],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = once(loop, "exit");
  const [folder] = (await once(createInterface(loop.stdout), "line")) as [string];
  const last = rate * seconds;
  const [heaps, redraws, longTasks]: [number[], number[], number[]] = [[], [], []];
  let shown = Number.NaN;
  await withPages(
    folder,
    async open => {
      const page = await open();
      await page.begins();
      const pieces = 10;
      for (let i = 0; i < pieces; i++) {
        const before = await page.draws();
        await sleep((1000 * seconds) / pieces - 300);
        const drawn = (await page.draws()) - before;
        redraws.push(drawn / (seconds / pieces - 0.3));
        heaps.push((await page.heap()) / MEGABYTE);
      }
      longTasks.push(...(await page.longTasks()));
      const loss = page.page.locator("[data-chart=loss]");
      for (let i = 0; i < 600 && (await loss.getAttribute("data-last-step")) !== `${last}`; i++) {
        await sleep(100);
      }
      const isWhole = (await loss.getAttribute("data-last-step")) === `${last}`;
      shown = isWhole ? Number(await loss.getAttribute("data-last-value")) : Number.NaN;
    },
    { view: WATCHED },
  );
  await ended;
  const what = `${rate} steps/s × ${tensors} tensors for ${seconds} s`;
  // At first it takes in what it then holds.
  const half = heaps.length / 2;
  const growth =
    ((heaps.at(-1) ?? 0) - (heaps[half] ?? 0)) / ((seconds * (half - 1)) / heaps.length / 60);
  return [
    {
      what: `${what}: redraws of six charts a second`,
      unit: "/s",
      samples: redraws,
      goal: "≥ 20 /s",
    },
    { what: "tasks of the page over 100 ms", unit: "", samples: [longTasks.length], goal: "0" },
    { what: "heap of the page", unit: "MB", samples: heaps, goal: "flat" },
    {
      what: "by which it grows in the second half",
      unit: "MB/min",
      samples: [growth],
      goal: "flat",
    },
    {
      what: "steps in the store that differ from those sent",
      unit: "",
      samples: [differing(folder, last)],
      goal: "0",
    },
    {
      what: "the last loss that the page shows, beside that of the store",
      unit: "",
      samples: [shown - lossAt(last)],
      goal: "0",
    },
  ];
}

/** Steps of which the store has not what was sent, or nothing. */
function differing(folder: string, last: number): number {
  const made = new MadeUpRun(tensors);
  const reader = openRun(folder);
  let next = 1;
  let wrong = 0;
  for (const batch of reader.steps()) {
    const sent = made.batch(batch.firstStep, batch.count);
    for (let row = 0; row < batch.count; row++) {
      if (stepValue(batch, row, "loss") !== stepValue(sent, row, "loss")) wrong += 1;
    }
    if (batch.tensorCount > 0 && !isSame(batch, sent)) wrong += batch.count;
    if (batch.tensorCount === 0 && batch.firstStep + batch.count > last - EXACT_STEPS) {
      wrong += batch.count;
    }
    next = batch.firstStep + batch.count;
  }
  reader.close();
  return wrong + (last + 1 - next);
}

function isSame(a: StepBatch, b: StepBatch): boolean {
  return a.tensors.every((value, i) => value === b.tensors[i]);
}

async function measureCost(): Promise<Measurement> {
  const shares = await recordingCost(join(project, "cost.ts"), tensors, Math.max(5, samples));
  return {
    what: `Recording, of a step of a millisecond with ${tensors} tensors`,
    unit: "%",
    samples: shares.map(share => 100 * share),
    goal: "≤ 1 %",
  };
}

/** Serves the run, and opens pages of it. */
async function withPages(
  folder: string,
  use: (open: () => Promise<NotedPage>) => Promise<void>,
  { lastStep, view }: { readonly lastStep?: number; readonly view?: string },
): Promise<void> {
  const server = new PageServer({
    view: () => view,
    assets: join(import.meta.dirname, "../../dist/webview"),
    open: post => new PageSession(folder, [], post),
  });
  const address = await server.listen();
  await using browser = await launchBrowser(VIEWPORT);
  await use(async () => NotedPage.open(await browser.context.newPage(), address, lastStep));
  await server.close();
}
