import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findingOf } from "../../runtime/insight/diagnosis/faults.ts";
import type { Finding } from "../../runtime/protocol/finding.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { stepValue, TENSOR_COLUMNS, tensorValue } from "../../runtime/protocol/steps.ts";
import { formatExact } from "../../webview/data/format.ts";
import { dark, light, THEMES } from "../../webview/themes.ts";
import { exampleFinding } from "../unit/run-example.ts";
import { CHARTS, type HostedPage, type PageOptions, PICTURES, usePages } from "./page-host.ts";
import {
  ENDED,
  hydrate,
  pageBatch,
  pageCurves,
  pageLoss,
  pageRun,
  STARTED_AT,
  STEPS,
} from "./page-run.ts";

const { open } = usePages(2);

const FINDINGS: readonly Finding[] = [
  {
    id: "slow",
    code: "lr.tooSmall",
    severity: "warning",
    state: "cleared",
    title: "Learning rate too low",
    message: "",
    about: { type: "hyperparameter", name: "lr", group: 0 },
    confidence: 0.9,
    since: 32,
    step: 96,
    evidence: [
      { name: "travel", value: 0.001, text: "The parameters have hardly moved." },
      { name: "loss now", value: 2.3, text: "The loss is 2.3." },
    ],
  },
  {
    id: "params",
    code: "params.notOptimized",
    severity: "info",
    state: "raised",
    title: "No optimizer has 4.bias",
    message: "Give the optimizer all of model.parameters().",
    about: { type: "tensor", name: "4.bias" },
    confidence: 1,
    since: 20,
    step: 20,
    evidence: [
      { name: "steps", value: 20, text: "It got gradients in 20 steps in a row." },
      { name: "parameters", value: 10, text: "It has 10 elements." },
    ],
  },
  {
    id: "lr",
    code: "lr.tooLarge",
    severity: "warning",
    state: "raised",
    title: "Learning rate ≈ 8× too high",
    message: "Steps jump from one wall of the valley to the other. Try 3e-4 instead of 2.5e-3.",
    about: { type: "hyperparameter", name: "lr", group: 0 },
    confidence: 0.97,
    since: 640,
    step: 656,
    evidence: [
      {
        name: "travel",
        value: 8.4,
        expected: [0.07, 2.1],
        text: "In 656 steps the parameters have moved 840 % of their norm.",
      },
      { name: "loss at the start", value: 2.3, text: "The loss started at 2.3." },
    ],
    suggestion: { target: "lr", from: 2.5e-3, to: 3e-4, range: [1.4e-4, 7e-4] },
  },
];

/** Sends a recorded run and waits until it is drawn. */
async function openRecorded(options: Partial<PageOptions> = {}): Promise<HostedPage> {
  const hosted = await open(options);
  await hosted.send(hydrate());
  await hosted.drawn(STEPS);
  return hosted;
}

describe("a run that was recorded", () => {
  const state = { gradientTensors: ["0.weight", "2.weight", "4.bias"] };

  test.each(
    THEMES.flatMap(theme => [
      { theme, name: theme.name, width: 900, height: 1180 },
      { theme, name: theme.name, width: 400, height: 1700 },
    ]),
  )("is drawn in the theme $name, $width pixels wide", async ({ theme, name, width, height }) => {
    const hosted = await openRecorded({ theme, width, height, state });
    const { page } = hosted;
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(overflow).toBeLessThanOrEqual(0);
    for (const chart of CHARTS) {
      await expect
        .poll(() => hosted.painted(chart, "charts-blue"), { timeout: 20_000 })
        .toBeGreaterThan(200);
    }
    for (const token of ["charts-orange", "charts-purple", "charts-green"]) {
      await expect
        .poll(() => hosted.painted("gradNorm", token), { timeout: 20_000 })
        .toBeGreaterThan(50);
    }
    await page.screenshot({ path: join(PICTURES, `${name}-${width}.png`) });
    await hosted.expectClean();
    await page.close();
  });

  test.each([304, 320])(
    "has all of it in a panel of %i pixels, also while it runs",
    async width => {
      const hosted = await open({ width, height: 1200, state });
      const { page } = hosted;
      await hosted.send(hydrate({ run: pageRun() }));
      await hosted.drawn(STEPS, ["loss"]);
      const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      await page.screenshot({ path: join(PICTURES, `narrow-${width}.png`) });
      expect(overflow).toBeLessThanOrEqual(0);
      for (const part of [
        page.getByRole("heading", { name: "digits.ts" }),
        page.getByRole("button", { name: "Try other learning rates" }),
      ]) {
        const box = await part.boundingBox();
        expect((box?.x ?? width) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
        expect(box?.width).toBeGreaterThan(20);
      }
      await page.close();
    },
  );

  test.each([
    { theme: dark, width: 900 },
    { theme: light, width: 400 },
  ])("is compared with others, $width pixels wide", async ({ theme, width }) => {
    const hosted = await open({ theme, width, height: 1500 });
    const { page } = hosted;
    const options = { lr: "0.001", eps: "1e-8" };
    await hosted.send(hydrate({ run: pageRun({ ...ENDED, groups: [{ group: 0, options }] }) }));
    await hosted.drawn(STEPS, ["loss"]);
    await page.getByRole("button", { name: "Compare…" }).click();
    const folders = ["/runs/wide", "/runs/unnamed"];
    const records = folders.map((id, i) => {
      const args = i > 0 ? ["--rate", "0.01"] : [];
      const groups = [{ group: 0, options: { lr: i > 0 ? "0.01" : "0.001", eps: "1e-8" } }];
      const ended = { ...ENDED, steps: 2000, finalLoss: pageLoss(2000) };
      return pageRun({ ...ended, id, args, seed: i, groups });
    });
    const choices = records.map(({ id, ...record }, i) => {
      return { ...record, runFolder: id, name: i > 0 ? "" : "wide" };
    });
    const own = { ...pageRun(ENDED), runFolder: "/runs/20260115-093000-digits", name: "" };
    await hosted.send({ type: "runs", runs: [own, ...choices] });
    const dialog = page.getByRole("dialog", { name: "Runs to compare with" });
    // The shown run is not among them.
    await expect.poll(() => dialog.getByRole("checkbox").count()).toBe(2);
    await dialog.getByRole("searchbox").fill("rate");
    expect(await dialog.getByRole("checkbox").count()).toBe(1);
    await dialog.getByRole("searchbox").fill("");
    for (const box of await dialog.getByRole("checkbox").all()) await box.check();
    await page.screenshot({ path: join(PICTURES, `compare-pick-${width}.png`) });
    await dialog.getByRole("button", { name: "Done" }).click();
    expect(await hosted.asked()).toEqual([
      { type: "listRuns" },
      { type: "compare", runFolders: folders.slice(0, 1) },
      { type: "compare", runFolders: folders },
    ]);
    expect((await hosted.watched()).state).toMatchObject({ compared: folders });
    for (const [i, run] of records.entries()) {
      const runFolder = run.id;
      await hosted.send({ type: "compared", runFolder, name: i > 0 ? "" : "wide", run });
      await hosted.send({ type: "comparedSteps", runFolder, curves: pageCurves(2000, 2 + 2 * i) });
    }
    const legend = page.locator("[data-chart=loss] .legend");
    await expect.poll(() => legend.textContent(), { timeout: 20_000 }).toContain("wide");
    for (const token of ["charts-orange", "charts-purple"]) {
      await expect
        .poll(() => hosted.painted("loss", token), { timeout: 20_000 })
        .toBeGreaterThan(100);
    }
    // After the end of the shown run there are the others.
    const box = await page.locator("[data-chart=loss] .plot").boundingBox();
    if (!box) throw new Error("The plot has no box");
    await page.mouse.move(box.x + box.width - 40, box.y + 60);
    const tooltip = page.locator("[data-chart=loss] .tooltip");
    await tooltip.waitFor();
    expect(await tooltip.textContent()).toMatch(
      /^step 1\u202f[89]\d\dthis run–wide0\.\d+digits.ts/,
    );
    await page.screenshot({ path: join(PICTURES, `compare-${theme.name}-${width}.png`) });
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(overflow).toBeLessThanOrEqual(0);
    await page.getByText("Differences").click();
    const rows = page.locator(".differences tbody tr");
    expect(await rows.allTextContents()).toEqual([
      "arguments--rate 0.01",
      "seed001",
      `lr0.0010.0010.01`,
    ]);
    await page.locator(".differences").getByRole("button", { name: "Script" }).first().click();
    await page.getByText("Differences").click();
    const mean = page.getByRole("button", { name: "Mean over seeds" });
    // Both have a seed of their own, but one has other arguments.
    expect(await mean.isVisible()).toBe(false);
    const third = pageRun({ ...ENDED, id: "/runs/wide", seed: 3, groups: [{ group: 0, options }] });
    await hosted.send({ type: "comparedRun", runFolder: "/runs/wide", run: third });
    await mean.click();
    await expect
      .poll(() => legend.textContent(), { timeout: 20_000 })
      .toMatch(/^mean of 2 seeds.*digits/);
    await page.mouse.move(5, 5);
    await page.screenshot({ path: join(PICTURES, `seeds-${theme.name}-${width}.png`) });
    await page.getByRole("button", { name: "± deviation" }).click();
    await expect
      .poll(() => legend.textContent(), { timeout: 20_000 })
      .toMatch(/^mean ± deviation of 2 seeds/);
    await mean.click();
    await page.getByRole("button", { name: "Pin wide as the baseline" }).click();
    await hosted.send({ type: "baseline", runFolder: "/runs/wide" });
    await page.getByText("wide, baseline").waitFor();
    await page.mouse.move(5, 5);
    await page.screenshot({ path: join(PICTURES, `baseline-${theme.name}-${width}.png`) });
    await page.getByRole("button", { name: "Unpin wide" }).click();
    await hosted.send({ type: "baseline" });
    const pins = (await hosted.asked()).slice(-3);
    expect(pins).toEqual([
      { type: "compareSource", runFolder: "/runs/wide" },
      { type: "pin", runFolder: "/runs/wide" },
      { type: "pin" },
    ]);
    await page.getByRole("button", { name: "Remove wide from the comparison" }).click();
    await expect.poll(() => legend.textContent()).not.toContain("wide");
    const gone = { type: "comparedGone", runFolder: "/runs/unnamed", reason: "Deleted." } as const;
    await hosted.send(gone);
    await expect.poll(() => legend.isVisible(), { timeout: 20_000 }).toBe(false);
    expect((await hosted.watched()).state).toMatchObject({ compared: [] });
    expect(await page.locator(".comparison-notice").textContent()).toBe("Deleted.");
    await hosted.expectClean();
    await page.close();
  });

  test("names of any length leave room for what stands behind them", async () => {
    const hosted = await openRecorded({ width: 304, height: 1200, state });
    const { page } = hosted;
    const name = `wide ${"very-".repeat(20)}long`;
    const run = pageRun({ ...ENDED, id: "/runs/wide", seed: 7 });
    await hosted.send({ type: "compare", runFolders: [run.id] });
    await hosted.send({ type: "compared", runFolder: run.id, name, run });
    const curves = pageCurves(STEPS, 2);
    await hosted.send({ type: "comparedSteps", runFolder: run.id, curves });
    await page.locator("[data-chart=loss] .legend").getByText(name).waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThan(
      1,
    );
    const value = await page.locator("[data-chart=loss] .legend-value").last().boundingBox();
    expect((value?.x ?? 304) + (value?.width ?? 0)).toBeLessThan(304);
    await page.getByText("Differences").click();
    const isCut = await page.locator(".differences").evaluate(table => {
      const button = table.querySelector("thead button");
      const cell = button?.closest("th");
      if (!button || !cell) return true;
      return button.getBoundingClientRect().right > cell.getBoundingClientRect().right;
    });
    expect(isCut).toBe(false);
    await page.screenshot({ path: join(PICTURES, "long-names.png") });
    await hosted.expectClean();
    await page.close();
  });

  test("ends with the values of its last step", async () => {
    const hosted = await openRecorded();
    const { page } = hosted;
    const batch = pageBatch(STEPS, 1);
    expect(await hosted.value("loss")).toBe(stepValue(batch, 0, "loss"));
    expect(await hosted.value("gradNorm")).toBe(stepValue(batch, 0, "gradNorm"));
    expect(await hosted.value("effectiveLr")).toBe(tensorValue(batch, 0, 0, "effectiveLrP50"));
    expect(await hosted.value("stepSize")).toBe(tensorValue(batch, 0, 0, "stepSizeP50"));
    expect(await hosted.value("lr")).toBe(batch.lr[0]);
    expect(await page.textContent("[data-chart=loss] .chart-steps")).toBe("1\u202f204 steps");
    expect(await page.textContent("[data-fact=time]")).toBe("7.9\u202fs");
    expect(await page.textContent("[data-fact=adapter]")).toContain("(software)");
    expect(await page.textContent(".note")).toContain("no GPU is used");
    expect(await page.textContent(".status")).toBe("Completed");
    expect(await page.textContent("#loss-summary")).toMatch(
      /^Loss over 1.204 steps: first .* last/,
    );
    await page.close();
  });

  const LOST = exampleFinding({
    id: "lost",
    code: "lr.diverging",
    severity: "error",
    title: "Training diverges: the learning rate is too high",
    message: "At step 700 the loss or its gradient is no longer a finite number.",
    since: 700,
  });

  test("says what was found, why, and what can be done about it", async () => {
    const hosted = await open({ height: 1500 });
    const { page } = hosted;
    await hosted.send(hydrate({ run: pageRun({ steps: STEPS, findings: FINDINGS }) }));
    await hosted.drawn(STEPS);
    const verdict = page.locator(".insights-verdict");
    expect(await verdict.textContent()).toBe("Learning rate ≈ 8× too highand 1 more");
    await page.locator(".insights summary").click();
    const [rate, params, past] = await page.locator(".finding").all();
    expect(await rate?.locator("h2").textContent()).toContain("since step 640");
    expect(await rate?.textContent()).toContain("usual: 0.07 – 2.1");
    expect(await rate?.locator(".evidence-picture:not(:empty)").count()).toBe(1);
    expect(await params?.textContent()).toContain("No optimizer has 4.bias");
    expect(await past?.textContent()).toContain("Learning rate too low");
    expect(await past?.textContent()).toContain("steps 32 – 96, no longer so");
    await rate?.getByRole("button", { name: "Use lr = 0.0003 from the next step on" }).click();
    await rate?.getByRole("button", { name: "Open the line" }).click();
    await rate?.getByRole("button", { name: "What is lr.tooLarge?" }).click();
    await expect
      .poll(() => hosted.asked(), { timeout: 20_000 })
      .toEqual([
        { type: "control", control: { type: "set", group: 0, name: "lr", value: 0.0003 } },
        { type: "revealFinding", id: "lr" },
        { type: "explainFinding", code: "lr.tooLarge" },
      ]);
    await rate?.getByRole("button", { name: "Show step 640" }).click();
    await expect
      .poll(() => page.textContent("[data-chart=lr] .chart-steps"), { timeout: 20_000 })
      .toBe("at step 640");
    await page.screenshot({ path: join(PICTURES, "insights.png") });
    await page.setViewportSize({ width: 400, height: 900 });
    await page.evaluate("scrollTo(0, 0)");
    await page.screenshot({ path: join(PICTURES, "insights-400.png") });
    // What its user has silenced is not shown, and is when that is taken back.
    await hosted.send({ type: "silenced", findings: ["lr"] });
    await expect
      .poll(() => verdict.textContent(), { timeout: 20_000 })
      .not.toContain("Learning rate");
    await hosted.send({ type: "silenced", findings: [] });
    await expect
      .poll(() => verdict.textContent(), { timeout: 20_000 })
      .toBe("Learning rate ≈ 8× too highand 1 more");
    // Where the numbers are lost it is looked for what made the first of them.
    await hosted.send({ type: "run", run: pageRun({ steps: STEPS, findings: [LOST] }) });
    await page.locator(".finding", { hasText: LOST.title }).waitFor();
    await page.getByRole("button", { name: "Find where it begins" }).click();
    await expect
      .poll(async () => (await hosted.asked()).at(-1), { timeout: 20_000 })
      .toEqual({ type: "control", control: { type: "locateNonFinite" } });
    const location = { file: "/project/train.ts", line: 14, column: 9 };
    const fault = {
      type: "nonFinite",
      operation: "log",
      shape: [32, 10],
      elements: 320,
      nan: 0,
      infinite: 3,
      inputs: [{ low: 0, high: 4.2 }],
      phase: "forward",
    } as const;
    const findings = [{ ...LOST, state: "cleared" } as const, findingOf(fault, 700, location)];
    await hosted.send({ type: "run", run: pageRun({ steps: STEPS, paused: true, findings }) });
    await page.locator(".finding", { hasText: "log makes the first value" }).waitFor();
    await page.screenshot({ path: join(PICTURES, "insights-lost-400.png") });
    await hosted.expectClean();
    await page.close();
  });

  test("says why nothing is said of the learning rate", async () => {
    const hosted = await open();
    const { page } = hosted;
    const unjudged = "The parameters were trained before.";
    await hosted.send(hydrate({ run: pageRun({ steps: STEPS, unjudged }) }));
    await hosted.drawn(STEPS);
    const verdict = await page.locator(".insights-verdict").textContent();
    expect(verdict).toBe("nothing found; the learning rate is not judged");
    await page.locator(".insights summary").click();
    const said = await page.locator(".finding-none").allTextContents();
    expect(said).toEqual([`Nothing is said of the learning rate. ${unjudged}`]);
    await page.close();
  });

  test("has what the script logged, by the part of its names before the slash", async () => {
    const hosted = await open({ height: 2400, state: { x: "epoch" } });
    const { page } = hosted;
    const metrics = [300, 600, 900, 1200].flatMap((step, i) =>
      ["val/loss", "val/top1", "accuracy"].map(name => {
        return { name, value: (i + 1) / 8, step, time: STARTED_AT };
      }),
    );
    await hosted.send(hydrate({ metrics }));
    await hosted.drawn(STEPS, ["metric:val", "metric:accuracy", "stepToWeight", "signFlips"]);
    expect(await page.textContent("[data-chart='metric:val'] .legend")).toBe("loss0.5top10.5");
    expect(await page.textContent("[data-chart='metric:accuracy'] .chart-value")).toBe("0.5");
    expect(await page.textContent("[data-chart='metric:val'] .chart-steps")).toBe(
      "4 values in 1\u202f204 steps",
    );
    await page.screenshot({ path: join(PICTURES, "metrics.png") });
    await hosted.expectClean();
    await page.close();
  });

  test("has what was logged alone, where nothing else is known", async () => {
    const hosted = await open();
    const { page } = hosted;
    const metrics = [10, 500, 2_000_000].map((step, i) => {
      return { name: "train/loss", value: 2 / (i + 1), step, time: STARTED_AT + 1000 * i };
    });
    await hosted.send(hydrate({ run: pageRun({ ...ENDED, steps: 0 }), batches: [], metrics }));
    await hosted.drawn(2_000_000, ["metric:train"]);
    expect(await page.locator(".chart:visible").count()).toBe(1);
    expect(await page.textContent("[data-chart='metric:train'] .chart-value")).toBe("0.6667");
    expect(await page.textContent("[data-chart='metric:train'] .chart-steps")).toBe(
      "3 values in 1\u202f999\u202f991 steps",
    );
    expect(await page.textContent("[data-fact=step]")).toBe("2\u202f000\u202f000");
    expect(await page.textContent("[data-fact=loss]")).toBe("–");
    await page.screenshot({ path: join(PICTURES, "imported.png") });
    await hosted.expectClean();
    await page.close();
  });

  test("has all tensors at a glance, from which one is chosen", async () => {
    const hosted = await open({ height: 1900 });
    const { page } = hosted;
    const batch = pageBatch(1, STEPS);
    // The gradient of 2.weight is not finite from step 900 on.
    for (let step = 900; step <= STEPS; step++) {
      const row = ((step - 1) * batch.tensorCount + 2) * TENSOR_COLUMNS.length;
      batch.tensors[row + TENSOR_COLUMNS.indexOf("nonFinite")] = 3;
      for (const name of ["stepSizeP50", "effectiveLrP50"] as const) {
        batch.tensors[row + TENSOR_COLUMNS.indexOf(name)] = Number.NaN;
      }
    }
    await hosted.send(hydrate({ batches: [batch] }));
    await hosted.drawn(STEPS, ["heatMap"]);
    const map = page.locator("[data-chart=heatMap]");
    expect(await map.locator(".color-odd").isVisible()).toBe(true);
    await expect
      .poll(() => hosted.painted("heatMap", "charts-red"), { timeout: 20_000 })
      .toBeGreaterThan(2000);
    const box = await map.locator("canvas").boundingBox();
    if (!box) throw new Error("The map has no box");
    // The third of six rows, left of what is not finite.
    await page.mouse.move(box.x + box.width / 2, box.y + 26 + ((box.height - 50) * 2.5) / 6);
    const tooltip = (await map.locator(".tooltip").textContent()) ?? "";
    const step = Number(/^step (\d+)2\.weight/.exec(tooltip)?.[1]);
    const median = tensorValue(pageBatch(step, 1), 0, 2, "stepSizeP50");
    expect(tooltip).toContain(formatExact(median));
    await page.screenshot({ path: join(PICTURES, "map.png") });
    await page.mouse.down();
    await page.mouse.up();
    const chosen = () => hosted.watched();
    await expect.poll(chosen, { timeout: 20_000 }).toMatchObject({ state: { tensor: "2.weight" } });
    const plot = page.getByRole("slider", { name: "All tensors by step" });
    await plot.focus();
    await page.keyboard.press("ArrowDown");
    // As when the page moves beneath a pointer that rests.
    await page.mouse.move(1, 1);
    await page.keyboard.press("Enter");
    await expect.poll(chosen, { timeout: 20_000 }).toMatchObject({ state: { tensor: "2.bias" } });
    await page.getByRole("combobox", { name: "Shows" }).click();
    await page.getByRole("option", { name: "Effective learning rate" }).click();
    const last = tensorValue(pageBatch(STEPS, 1), 0, 3, "effectiveLrP50");
    await expect.poll(() => hosted.value("heatMap"), { timeout: 20_000 }).toBe(last);
    await page.setViewportSize({ width: 400, height: 3000 });
    await page.waitForTimeout(500);
    await map.screenshot({ path: join(PICTURES, "map-400.png") });
    await hosted.setTheme(light);
    await page.waitForTimeout(500);
    await map.screenshot({ path: join(PICTURES, "map-light.png") });
    await hosted.expectClean();
    await page.close();
  });

  test("shows what a step did to each element of a tensor", async () => {
    const hosted = await open({ height: 3000 });
    const { page } = hosted;
    const run = pageRun({ steps: STEPS, paused: true });
    await hosted.send(hydrate({ run }));
    await hosted.drawn(STEPS, ["heatMap"]);
    const map = page.locator(".elements");
    await map.getByRole("button", { name: "Measure" }).click();
    const asked = async () => (await hosted.asked()).at(-1);
    const patience = { timeout: 20_000 };
    await expect
      .poll(asked, patience)
      .toEqual({ type: "control", control: { type: "measure", tensor: 0 } });
    await page.getByRole("slider", { name: "All tensors by step" }).focus();
    for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect
      .poll(asked, patience)
      .toEqual({ type: "control", control: { type: "measure", tensor: 4 } });
    // Element [i, j] of 10 × 128 has a step of 10^-(i + j / 128); [2, 5] none, [3, 7] one that is not finite.
    await page.evaluate(`postMessage({ type: "elements", elements: { tensor: 4, step: ${STEPS},
      stepSizes: Float32Array.from({ length: 1280 }, (_, i) =>
        i === 261 ? 0 : i === 391 ? NaN : 10 ** -(i / 128 / 2)) } })`);
    await expect
      .poll(() => map.locator(".elements-said").textContent(), patience)
      .toMatch(/^1\u202f280 elements: from .* to 1, 1 did not move, 1 not finite\.$/);
    expect(await map.locator(".chart-value").textContent()).toBe("step 1\u202f204");
    expect(await map.locator(".color-odd").isVisible()).toBe(true);
    await page.screenshot({ path: join(PICTURES, "living.png") });
    await map.scrollIntoViewIfNeeded();
    await map.screenshot({ path: join(PICTURES, "elements.png") });
    const box = await map.locator("canvas").boundingBox();
    if (!box) throw new Error("The map has no box");
    await page.mouse.move(box.x + (box.width * 7.5) / 128, box.y + (box.height * 3.5) / 10);
    expect(await map.locator(".elements-said").textContent()).toBe("[3, 7]: NaN");
    await map.locator("canvas").focus();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    expect(await map.locator(".elements-said").textContent()).toBe("[2, 5]: 0");
    await hosted.send({ type: "run", run: pageRun(ENDED) });
    await map.getByRole("button", { name: "Measure" }).waitFor({ state: "hidden" });
    await hosted.expectClean();
    await page.close();
  });

  test("fits a panel of 320 pixels, and follows its size", async () => {
    const hosted = await open({ width: 320, height: 800 });
    const { page } = hosted;
    await hosted.send(hydrate());
    await hosted.drawn(STEPS, ["loss"]);
    const overflow = () => page.evaluate("document.documentElement.scrollWidth - innerWidth");
    const canvas = page.locator("[data-chart=loss] canvas");
    expect(await overflow()).toBeLessThanOrEqual(0);
    // The number of points stands over the title of the axis, and not in it.
    const [count, body] = await page.evaluate<readonly string[]>(
      `["[data-chart=loss] .chart-steps", "body"].map(
        each => getComputedStyle(document.querySelector(each)).backgroundColor,
      )`,
    );
    expect(count).toBe(body);
    const narrow = (await canvas.boundingBox())?.width ?? 0;
    await page.setViewportSize({ width: 1000, height: 800 });
    await expect
      .poll(async () => (await canvas.boundingBox())?.width ?? 0, { timeout: 20_000 })
      .toBeGreaterThan(900);
    expect(narrow).toBeLessThan(320);
    expect(narrow).toBeGreaterThan(250);
    expect(await overflow()).toBeLessThanOrEqual(0);
    await page.close();
  });

  test("is drawn where one has scrolled to, also on a busy machine", async () => {
    const hosted = await open({ height: 500, busy: true });
    const { page } = hosted;
    await hosted.send(hydrate());
    await hosted.drawn(STEPS, ["loss"]);
    const [loss, lr] = ["loss", "lr"].map(chart => page.locator(`[data-chart=${chart}]`));
    await lr?.scrollIntoViewIfNeeded();
    await hosted.drawn(STEPS, ["lr"]);
    for (const target of [loss, lr]) {
      await target?.scrollIntoViewIfNeeded();
      await page.evaluate("new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)))");
    }
    // When the page has heard of both.
    await page.waitForTimeout(1500);
    await hosted.send({ type: "steps", batch: pageBatch(STEPS + 1, 1) });
    await hosted.drawn(STEPS + 1, ["lr"]);
    await hosted.expectClean();
    await page.close();
  });

  test("is drawn anew when the theme changes", async () => {
    const hosted = await openRecorded();
    await expect
      .poll(() => hosted.painted("loss", "charts-blue"), { timeout: 20_000 })
      .toBeGreaterThan(200);
    await hosted.setTheme(light);
    await expect.poll(() => hosted.painted("loss", "charts-blue")).toBeGreaterThan(200);
    await hosted.expectClean();
    await hosted.page.close();
  });

  test("shows the values at the pointer in all charts, and the last ones after it", async () => {
    const hosted = await openRecorded();
    const { page } = hosted;
    const box = await page.locator("[data-chart=loss] .plot").boundingBox();
    if (!box) throw new Error("The plot has no box");
    await page.mouse.move(box.x + box.width / 2, box.y + 80);
    const tooltip = page.locator("[data-chart=loss] .tooltip");
    await tooltip.waitFor();
    const text = await tooltip.textContent();
    const step = Number(/^step ([\d\u202f]+)loss/.exec(text ?? "")?.[1]?.replace(/\u202f/g, ""));
    expect(step).toBeGreaterThan(STEPS * 0.4);
    expect(step).toBeLessThan(STEPS * 0.6);
    expect(text).toContain(formatExact(pageLoss(step)));
    for (const chart of CHARTS) {
      expect(await page.locator(`[data-chart=${chart}] .crosshair`).isVisible()).toBe(true);
      expect(await page.textContent(`[data-chart=${chart}] .chart-steps`)).toMatch(/^at step /);
    }
    await page.screenshot({ path: join(PICTURES, "crosshair.png") });
    await page.mouse.move(5, 5);
    await tooltip.waitFor({ state: "hidden" });
    expect(await page.textContent("[data-chart=loss] .chart-steps")).toBe("1\u202f204 steps");
    await hosted.expectClean();
    await page.close();
  });

  test("can be read with the keyboard alone", async () => {
    const hosted = await openRecorded();
    const { page } = hosted;
    const plot = page.getByRole("slider", { name: "Loss by step" });
    await plot.focus();
    await page.keyboard.press("ArrowLeft");
    expect(await plot.getAttribute("aria-valuenow")).toBe(String(STEPS - 1));
    const said = `step ${STEPS - 1}: loss ${formatExact(pageLoss(STEPS - 1))}`;
    expect(await plot.getAttribute("aria-valuetext")).toBe(said);
    await page.keyboard.press("Home");
    expect(await plot.getAttribute("aria-valuenow")).toBe("1");
    await page.keyboard.press("Escape");
    expect(await page.locator(".tooltip:visible").count()).toBe(0);
    await page.getByRole("button", { name: "Loss: show as table" }).click();
    const cells = await page
      .locator("[data-chart=loss] tbody tr")
      .last()
      .locator("td")
      .allTextContents();
    expect(cells).toEqual(["1\u202f204", "26.76", "7.8\u202fs", formatExact(pageLoss(STEPS))]);
    await page.screenshot({ path: join(PICTURES, "table.png") });
    await page.close();
  });

  test("is zoomed by drags, wheel and keys, all charts together, and holds while it grows", async () => {
    const hosted = await open({ height: 1300 });
    const { page } = hosted;
    await hosted.send(hydrate({ run: pageRun(), batches: [pageBatch(1, STEPS)] }));
    await hosted.drawn(STEPS);
    const box = await page.locator("[data-chart=loss] .plot").boundingBox();
    if (!box) throw new Error("The plot has no box");
    /** Waits until a chart says that it shows so many steps. */
    const shown = (chart: string, steps: RegExp) =>
      expect
        .poll(
          async () => {
            const summary = (await page.textContent(`#${chart}-summary`)) ?? "";
            return /shown (\d+)/.exec(summary)?.[1] ?? "all";
          },
          { timeout: 20_000 },
        )
        .toMatch(steps);
    const drag = async (dx: number, dy: number) => {
      await page.mouse.move(box.x + box.width / 2, box.y + 60);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2 + dx, box.y + 60 + dy, { steps: 3 });
      await page.mouse.up();
    };
    await drag(150, 8);
    await shown("loss", /^2\d\d$/);
    await shown("lr", /^2\d\d$/);
    await page.screenshot({ path: join(PICTURES, "zoomed.png") });
    expect((await hosted.watched()).state).toMatchObject({ yZooms: {}, follows: false });

    await hosted.send({ type: "steps", batch: pageBatch(STEPS + 1, 200) });
    await hosted.drawn(STEPS + 200);
    await shown("loss", /^2\d\d$/);
    expect((await hosted.watched()).state).toMatchObject({
      zoom: [expect.any(Number), expect.any(Number)],
    });
    await page.getByRole("button", { name: "Follow" }).click();
    await page.locator("[data-chart=loss] .plot[aria-valuemax='1404']").waitFor();
    await page.locator("[data-chart=loss] .plot").focus();
    await page.keyboard.press("End");
    await page.getByText("at step 1\u202f404").first().waitFor();
    // What has moved stays where it is when it is followed no more.
    await page.getByRole("button", { name: "Follow" }).click();
    await page.getByRole("button", { name: "Follow", pressed: false }).waitFor();
    await page.locator("[data-chart=loss] .plot[aria-valuemax='1404']").waitFor();
    const { zoom } = (await hosted.watched()).state as { zoom: [number, number] };
    expect(zoom[1]).toBe(1404);
    await page.locator("[data-chart=loss] .plot").focus();
    await page.keyboard.press("+");
    await shown("stepSize", /^1\d\d$/);

    await drag(4, 90);
    expect((await hosted.watched()).state).toMatchObject({
      yZooms: { loss: [expect.any(Number), expect.any(Number)] },
    });
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, 400);
    await page.keyboard.up("Control");
    // Wider again, as far as the run goes.
    await shown("loss", /^(1[5-9]|[2-4]\d)\d$/);
    await page.getByRole("button", { name: "Show all" }).click();
    await shown("loss", /^all$/);
    expect((await hosted.watched()).state).toMatchObject({ yZooms: {} });
    await hosted.expectClean();
    await page.close();
  });

  test("zooms by every key and every notch of the wheel, also before one is drawn", async () => {
    const hosted = await openRecorded();
    const { page } = hosted;
    /** Dispatches them in one task, in which nothing can be drawn; returns the part that is chosen then. */
    const together = (...events: readonly string[]) =>
      page.evaluate<readonly [number, number] | undefined>(`{
        const plot = document.querySelector("[data-chart=loss] .plot");
        const { left, width, top } = plot.getBoundingClientRect();
        const at = { clientX: left + width / 2, clientY: top + 60, bubbles: true, cancelable: true };
        for (const key of ${JSON.stringify(events)})
          plot.dispatchEvent(
            key.startsWith("wheel")
              ? new WheelEvent("wheel", { ...at, deltaY: -100, ctrlKey: true })
              : new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }),
          );
        hosting.state.zoom;
      }`);
    const width = async (...events: readonly string[]) => {
      const [low, high] = (await together(...events)) ?? [1, STEPS];
      return Math.round(high - low);
    };
    const whole = STEPS - 1;
    expect(await together("+", "+", "+")).toEqual([STEPS - whole / 8, STEPS]);
    expect(await width("-", "-", "+")).toBe(Math.round(whole / 4));
    // More than there is to see is no debt.
    expect(await width("-", "-", "-", "-", "+")).toBe(Math.round(whole / 2));
    expect(await width("0", "+")).toBe(Math.round(whole / 2));
    expect(await width("0", "wheel", "wheel")).toBe(Math.round(whole * Math.exp(-0.4)));
    await page.close();
  });

  test("is shown as chosen, and again so after the page was closed", async () => {
    const hosted = await openRecorded();
    const { page } = hosted;
    const toggle = page.getByRole("button", { name: "Loss: log scale" });
    expect(await toggle.getAttribute("aria-pressed")).toBe("true");
    await toggle.click();
    await page.getByRole("button", { name: "0.weight" }).first().click();
    await page.screenshot({ path: join(PICTURES, "list.png") });
    await page.getByTitle("2.weight").click();
    const median = tensorValue(pageBatch(STEPS, 1), 0, 2, "effectiveLrP50");
    await expect.poll(() => hosted.value("effectiveLr")).toBe(median);
    expect(await toggle.getAttribute("aria-pressed")).toBe("false");
    const { state } = await hosted.watched();
    expect(state).toMatchObject({
      runFolder: "/runs/20260115-093000-digits",
      scales: { loss: "linear" },
      tensor: "2.weight",
    });
    await hosted.expectClean();
    await page.close();

    const again = await openRecorded({ state });
    expect(await again.value("effectiveLr")).toBe(median);
    expect(await again.page.locator(".toggle").first().getAttribute("aria-pressed")).toBe("false");
    await again.page.close();
  });
});

describe("a run that goes on", () => {
  test("is redrawn with every message that comes alone", async () => {
    const hosted = await open();
    await hosted.send(hydrate({ run: pageRun(), batches: [], logs: [], metrics: [] }));
    await hosted.page.getByText("Waiting for the first step…").first().waitFor();
    for (let first = 1; first <= 20 * 15; first += 15) {
      await hosted.send({ type: "steps", batch: pageBatch(first, 15) });
      await hosted.drawn(first + 14);
      expect(await hosted.value("loss")).toBe(pageLoss(first + 14));
    }
    expect((await hosted.watched()).redraws).toBeGreaterThanOrEqual(20);
    await expect
      .poll(() => hosted.painted("loss", "charts-blue"), { timeout: 20_000 })
      .toBeGreaterThan(200);
    // A third of 45 steps is left, of 6.2 ms each.
    expect(await hosted.page.textContent("[data-fact=epoch]")).toBe("6.67, ends in 1\u202fs");
    await hosted.expectClean();
    await hosted.page.close();
  });

  test("is redrawn many times while messages stream in, and ends with the last step", async () => {
    const hosted = await open();
    await hosted.send(
      hydrate({ run: pageRun({ startedAt: Date.now() - 19_000 }), batches: [pageBatch(1, 3000)] }),
    );
    await hosted.drawn(3000);
    const before = (await hosted.watched()).redraws;
    const batches = Array.from({ length: 60 }, (_, i) => pageBatch(3001 + i * 16, 16));
    const elapsed = await hosted.stream(batches);
    await hosted.drawn(3960);
    const redraws = (await hosted.watched()).redraws - before;
    console.log(`${((redraws * 1000) / elapsed).toFixed(1)} redraws of five charts a second`);
    expect(redraws).toBeGreaterThan(10);
    expect(await hosted.value("loss")).toBe(pageLoss(3960));
    await hosted.page.screenshot({ path: join(PICTURES, "running.png") });
    await hosted.expectClean();
    await hosted.page.close();
  });

  test("shows a loss that is NaN, and where", async () => {
    const hosted = await open();
    await hosted.send(hydrate({ run: pageRun(), batches: [pageBatch(1, 300)] }));
    await hosted.drawn(300);
    const marks = await hosted.painted("loss", "charts-red");
    const jump = hosted.page.getByRole("button", { name: "Not finite at step 330" });
    expect(await jump.count()).toBe(0);
    await hosted.send({ type: "steps", batch: pageBatch(301, 60, [330, 331, 332, 360]) });
    await hosted.drawn(360);
    expect(await hosted.page.textContent("[data-fact=loss]")).toBe("NaN");
    expect(await hosted.value("loss")).toBeNaN();
    await expect
      .poll(() => hosted.painted("loss", "charts-red"), { timeout: 20_000 })
      .toBeGreaterThan(marks + 50);
    await jump.click();
    expect(await hosted.page.textContent("[data-chart=lr] .chart-steps")).toBe("at step 330");
    await hosted.page.screenshot({ path: join(PICTURES, "nan.png") });
    await hosted.expectClean();
    await hosted.page.close();
  });

  test("is asked for anew when steps are missing", async () => {
    const hosted = await open();
    await hosted.send(hydrate({ run: pageRun(), batches: [pageBatch(1, 20)] }));
    await hosted.send({ type: "steps", batch: pageBatch(31, 5) });
    await hosted.send({ type: "steps", batch: pageBatch(36, 5) });
    const ready = async () =>
      (await hosted.watched()).posts.filter(({ type }) => type === "ready").length;
    await expect.poll(ready, { timeout: 20_000 }).toBe(2);
    expect(await hosted.asked()).toEqual([]);
    await hosted.send(hydrate({ run: pageRun(), batches: [pageBatch(1, 40)] }));
    await hosted.drawn(40);
    await hosted.page.close();
  });

  test("is stopped and trained again by its buttons", async () => {
    const hosted = await open({ state: { drawsWhilePaused: false } });
    const { page } = hosted;
    await hosted.send(hydrate({ run: pageRun(), batches: [pageBatch(1, 20)] }));
    await page.getByRole("button", { name: "Pause" }).click();
    const changes = [{ step: 15, group: 0, name: "lr" as const, from: 0.1, to: 0.2 }];
    const rewindable = { kept: [1, 12, 18, 20], changes };
    await hosted.send({ type: "run", run: pageRun({ paused: true, ...rewindable }) });
    await expect.poll(() => page.textContent(".status"), { timeout: 20_000 }).toBe("Paused");
    await page.getByRole("button", { name: "Step", exact: true }).click();
    await page.getByLabel("Number of steps").fill("25");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Run to that step" }).click();
    const toFinding = page.getByRole("button", { name: "Run until a finding" });
    await toFinding.click();
    await hosted.send({ type: "run", run: pageRun({ ...rewindable, runsToFinding: true }) });
    const note = page.locator(".held-for");
    await expect
      .poll(() => note.textContent(), { timeout: 20_000 })
      .toBe("Runs until the diagnosis finds something.");
    expect(await toFinding.getAttribute("aria-pressed")).toBe("true");
    const found = exampleFinding({ title: "Learning rate ≈ 5× too high", message: "Try 0.01." });
    const heldFor = { paused: true, heldFor: found.id, findings: [found] };
    await hosted.send({ type: "run", run: pageRun({ ...rewindable, ...heldFor }) });
    await expect
      .poll(() => note.textContent(), { timeout: 20_000 })
      .toBe(`Held: Learning rate ≈ 5× too high, found at step ${found.since}.`);
    await page.screenshot({ path: join(PICTURES, "held-for.png") });
    await page.getByLabel("Number of steps").fill("0");
    await page.getByRole("button", { name: "Take so many steps" }).click();
    const rate = page.getByRole("textbox", { name: "Learning rate" });
    await rate.fill("0.25");
    await page.keyboard.press("Tab");
    // A held loop has no step with that rate yet: a redraw leaves it in its field.
    await hosted.send({ type: "run", run: pageRun({ paused: true, ...rewindable }) });
    await page.waitForTimeout(300);
    expect(await rate.inputValue()).toBe("0.25");
    await page.getByRole("button", { name: "Learning rate of the script" }).click();
    await hosted.send({ type: "steps", batch: pageBatch(21, 1) });
    await expect.poll(() => rate.inputValue(), { timeout: 20_000 }).toBe("0.00042");
    await page.screenshot({ path: join(PICTURES, "controls.png") });
    // Keys, where nothing has the focus.
    await page.evaluate("document.activeElement.blur()");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Control+z");
    await page.getByLabel("Number of steps").fill("12");
    await page.getByRole("button", { name: "Go back to that step" }).click();
    const rewound = { ...rewindable, rewinds: [{ step: 21, to: 12 }] };
    await hosted.send({ type: "run", run: pageRun({ paused: true, ...rewound }) });
    await page.getByRole("button", { name: "Go back to the last kept step" }).click();
    const undo = page.getByRole("button", { name: "Take the last change back" });
    await expect.poll(() => undo.isDisabled(), { timeout: 20_000 }).toBe(true);
    // What was done is marked, and said.
    const loss = page.locator("[data-chart=loss]");
    await expect
      .poll(() => loss.locator(".visually-hidden").textContent(), { timeout: 20_000 })
      .toContain("at step 15 η 0.1 → 0.2; at step 21 taken back to step 12.");
    const veil = await loss.locator(".veil").boundingBox();
    const marks = await loss
      .locator(".event-mark")
      .evaluateAll(all => all.map(mark => mark.getBoundingClientRect().left));
    expect(marks).toHaveLength(2);
    expect(marks[0]).toBeGreaterThan(veil?.x ?? 0);
    await page.mouse.move(marks[0] ?? 0, (veil?.y ?? 0) + 40);
    expect(await loss.locator(".tooltip-event").allTextContents()).toEqual(["η 0.1 → 0.2"]);
    await page.screenshot({ path: join(PICTURES, "taken-back.png") });
    await page.getByRole("button", { name: "Stop" }).click();
    const ended = { ...ENDED, ...rewound, status: "stopped" as const, kept: [] };
    await hosted.send({ type: "run", run: pageRun(ended) });
    await page.locator(".status", { hasText: "Stopped" }).waitFor();
    expect(await loss.locator(".event-mark").count()).toBe(2);
    await page.getByRole("button", { name: "Train again" }).click();
    expect(await page.textContent(".status")).toBe("Stopped");
    const controls = [
      { type: "pause" },
      { type: "step", count: 1 },
      { type: "step", count: 25 },
      { type: "runTo", step: 25 },
      { type: "runToFinding" },
      { type: "set", group: 0, name: "lr", value: 0.25 },
      { type: "set", group: 0, name: "lr" },
      { type: "step", count: 1 },
      { type: "resume" },
      { type: "rewind", step: 20 },
      { type: "rewind", step: 14 },
      { type: "rewind", step: 12 },
      { type: "rewind", step: 1 },
    ].map(control => ({ type: "control", control }));
    expect(await hosted.asked()).toEqual([...controls, { type: "stop" }, { type: "train" }]);
    expect(await page.getByRole("button", { name: "Pause" }).count()).toBe(0);
    await page.close();
  });
});

test("hyper-parameters are typed and checked, taken back, and written into the script", async () => {
  const hosted = await open({ height: 700, state: { drawsWhilePaused: false } });
  const { page } = hosted;
  const own = { lr: 4.2e-4, lrFactor: 1, beta1: 0.9, beta2: 0.999, eps: 1e-8, maxNorm: 1 };
  /** The run, held, with these values of clients. */
  const sendRun = (values: Partial<typeof own>, change: Partial<RunRecord> = {}) => {
    const options = Object.entries({ ...own, ...values }).map(([name, value]) => {
      const option = name as keyof typeof own;
      return { group: 0, name: option, value, own: own[option] };
    });
    return hosted.send({ type: "run", run: pageRun({ paused: true, options, ...change }) });
  };
  await hosted.send(hydrate({ run: pageRun(), batches: [pageBatch(1, 21)] }));
  await sendRun({});
  const field = (name: string) => page.getByRole("textbox", { name, exact: true });
  const type = async (name: string, text: string) => {
    await field(name).fill(text);
    await field(name).press("Enter");
  };
  const shows = (name: string, text: string) =>
    expect.poll(() => field(name).inputValue(), { timeout: 20_000 }).toBe(text);
  await page.getByText("Hyper-parameters").click();
  await shows("β₁", "0.9");
  const labels = await page.locator("[data-option] .label").allTextContents();
  expect(labels).toEqual(["η factor", "β₁", "β₂", "ε", "gradient norm limit"]);
  await type("β₁", "1");
  const alert = page.getByRole("alert");
  expect(await alert.textContent()).toBe("β₁ has to be at least 0 and below 1.");
  await page.screenshot({ path: join(PICTURES, "objection.png") });
  await field("β₁").press("Escape");
  expect([await field("β₁").inputValue(), await alert.count()]).toEqual(["0.9", 0]);
  await type("Learning rate", "0,1");
  expect(await alert.textContent()).toBe("η has to be a number, such as 0.001 or 1e-3.");
  await type("Learning rate", "0.1");
  expect(await alert.count()).toBe(0);
  await sendRun({ lr: 0.1 });
  await page.getByRole("button", { name: "Write η into the script…" }).click();

  // What is taken back while the loop is held is what the next step will have.
  const rewinds = [{ step: 21, to: 20 }];
  await sendRun({}, { rewinds });
  await shows("Learning rate", "0.00042");
  await type("Learning rate", "0.1");
  await page.getByRole("button", { name: "Learning rate of the script" }).click();
  await shows("Learning rate", "0.00042");

  await type("η factor", "0.5");
  await type("β₁", "0.8");
  await sendRun({ lr: 2.1e-4, lrFactor: 0.5, beta1: 0.8 }, { rewinds });
  await shows("Learning rate", "0.00021");
  expect(await page.locator("[data-option=beta1] .own").textContent()).toBe("script: 0.9");
  expect(await page.getByRole("button", { name: "Write η into the script…" }).count()).toBe(0);
  await page.getByRole("button", { name: "Write η factor into the script…" }).click();
  await page.screenshot({ path: join(PICTURES, "hyper-parameters.png") });
  await page.setViewportSize({ width: 400, height: 900 });
  expect(
    await page.evaluate("document.documentElement.scrollWidth - innerWidth"),
  ).toBeLessThanOrEqual(0);
  await hosted.setTheme(light);
  await page.screenshot({ path: join(PICTURES, "hyper-parameters-400.png") });
  await page.getByRole("button", { name: "β₁ of the script" }).click();
  const set = (name: string, value?: number) => {
    return { type: "control", control: { type: "set", group: 0, name, value } };
  };
  const write = (name: string, value: number) => {
    return { type: "writeOption", option: { group: 0, name, value } };
  };
  expect(await hosted.asked()).toEqual([
    set("lr", 0.1),
    write("lr", 0.1),
    set("lr", 0.1),
    set("lr"),
    set("lrFactor", 0.5),
    set("beta1", 0.8),
    write("lrFactor", 0.5),
    set("beta1"),
  ]);
  await hosted.expectClean();
  await page.close();
});

describe("other states", () => {
  test("all digits of a learning rate can be seen in its field", async () => {
    const hosted = await open({ width: 400, height: 500 });
    await hosted.send(hydrate({ run: pageRun() }));
    await hosted.drawn(STEPS, ["loss"]);
    const field = hosted.page.getByRole("textbox", { name: "Learning rate", exact: true });
    await expect.poll(() => field.inputValue()).toBe("0.0008374");
    expect(await field.evaluate(input => input.scrollWidth - input.clientWidth)).toBe(0);
    await hosted.page.close();
  });

  test("a failed run says why, and opens the line", async () => {
    const hosted = await open();
    const { page } = hosted;
    const file = "/home/ada/models/examples/digits.ts";
    const error = {
      message: "matmul: [32, 64] × [128, 10]: inner sizes 64 and 128 differ",
      stack: `Error: matmul\n    at Linear.forward (${file}:31:18)\n    at train (${file}:42:22)`,
      location: { file, line: 42, column: 22 },
    };
    await hosted.send(
      hydrate({
        run: pageRun({ ...ENDED, status: "failed", error }),
        batches: [pageBatch(1, 300)],
      }),
    );
    await hosted.drawn(300);
    expect(await page.getByRole("alert").textContent()).toBe(error.message);
    await page.getByRole("button", { name: `${file}:42:22` }).click();
    await page.getByText("Details").click();
    expect(await page.textContent(".stack pre")).toBe(error.stack);
    expect((await hosted.watched()).posts.at(-1)).toEqual({
      type: "openSource",
      file,
      line: 42,
      column: 22,
    });
    await page.getByText("Output").click();
    expect(await page.getByRole("log").textContent()).toContain("test accuracy 97.8 %");
    await page.screenshot({ path: join(PICTURES, "failed.png") });
    await hosted.expectClean();
    await page.close();
  });

  test("a crashed run says that its steps are kept", async () => {
    const hosted = await open({ width: 400, height: 900 });
    const run = pageRun({ ...ENDED, status: "crashed" });
    await hosted.send(hydrate({ run, batches: [pageBatch(1, 300)] }));
    await hosted.drawn(300, ["loss"]);
    expect(await hosted.page.getByRole("alert").textContent()).toContain("All steps until then");
    await hosted.page.screenshot({ path: join(PICTURES, "crashed.png") });
    await hosted.page.close();
  });

  test("a run of one step shows it", async () => {
    const hosted = await open();
    await hosted.send(
      hydrate({ run: pageRun({ ...ENDED, steps: 1 }), batches: [pageBatch(1, 1)] }),
    );
    await hosted.drawn(1, ["loss"]);
    for (const chart of ["loss", "gradNorm", "lr"]) {
      await expect
        .poll(() => hosted.painted(chart, "charts-blue"), { timeout: 20_000 })
        .toBeGreaterThan(10);
    }
    await hosted.page.screenshot({ path: join(PICTURES, "one-step.png") });
    await hosted.expectClean();
    await hosted.page.close();
  });

  test("a run without a step does not wait for one when it is over", async () => {
    const hosted = await open({ width: 400, height: 900 });
    const { page } = hosted;
    const run = pageRun({ steps: 0, finalLoss: Number.NaN, tensors: [] });
    const waiting = page.locator("[data-chart=loss] .plot-waiting");
    await hosted.send(hydrate({ run, batches: [], metrics: [], logs: [] }));
    await expect.poll(() => waiting.textContent()).toBe("Waiting for the first step…");
    await hosted.send({ type: "run", run: { ...run, ...ENDED } });
    await expect.poll(() => waiting.textContent()).toBe("No step was taken");
    await page.screenshot({ path: join(PICTURES, "no-step.png") });
    await hosted.expectClean();
    await page.close();
  });

  test("without a run it says what to do", async () => {
    const hosted = await open();
    await hosted.send({ type: "empty", heading: "", reason: "" });
    await hosted.page.getByRole("heading", { name: "No run yet" }).waitFor();
    expect(await hosted.page.textContent(".empty")).toContain("Click ▶ Train");
    const heading = "digits.ts waits for its turn";
    await hosted.send({ type: "empty", heading, reason: "It starts by itself after 1 run." });
    await hosted.page.getByRole("heading", { name: heading }).waitFor();
    expect(await hosted.page.textContent(".empty")).toContain("after 1 run");
    await hosted.page.screenshot({ path: join(PICTURES, "empty.png") });
    await hosted.expectClean();
    await hosted.page.close();
  });

  test("a script that does not compile says so, and opens the line", async () => {
    const hosted = await open({ width: 400, height: 700 });
    const { page } = hosted;
    const { adapter: _, ...record } = pageRun({ ...ENDED, steps: 0, finalLoss: Number.NaN });
    const location = { file: record.script, line: 3, column: 7 };
    const error = { message: 'The symbol "a" has already been declared', location };
    const failed = { ...record, status: "failed", error } as const;
    const heading = page.getByRole("heading", { name: "digits.ts does not compile" });
    // It may be heard of while the run is shown, or after its folder is gone.
    await hosted.send(hydrate({ run: { ...record, status: "running" }, batches: [] }));
    await hosted.send({ type: "run", run: failed });
    await heading.waitFor();
    await hosted.send({ type: "empty", heading: "", reason: "" });
    await page.getByRole("heading", { name: "No run yet" }).waitFor();
    expect(await page.getByRole("button", { name: "Train again" }).isVisible()).toBe(false);
    await hosted.send({ type: "empty", heading: "", reason: "", run: failed });
    await heading.waitFor();
    expect(await page.getByRole("alert").textContent()).toBe(error.message);
    await page.getByRole("button", { name: `${location.file}:3:7` }).click();
    await page.getByRole("button", { name: "Train again" }).click();
    expect(await hosted.asked()).toEqual([{ type: "openSource", ...location }, { type: "train" }]);
    await page.screenshot({ path: join(PICTURES, "not-compiled.png") });
    const { location: __, ...elsewhere } = error;
    await hosted.send({ type: "run", run: failed });
    await hosted.send({
      type: "empty",
      heading: "",
      reason: "",
      run: { ...failed, error: elsewhere },
    });
    await page.getByRole("heading", { name: "digits.ts did not start" }).waitFor();
    await hosted.expectClean();
    await page.close();
  });

  test("what it does not know it ignores", async () => {
    const hosted = await openRecorded();
    await hosted.page.evaluate("postMessage({ type: 'later' }); postMessage(null);");
    await hosted.page.evaluate("postMessage({ type: 'steps', batch: { firstStep: 1205 } });");
    await hosted.send({ type: "steps", batch: pageBatch(STEPS + 1, 1) });
    await hosted.drawn(STEPS + 1);
    await hosted.expectClean();
    await hosted.page.close();
  });
});
