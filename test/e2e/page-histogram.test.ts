/** The histogram of step sizes over steps: asked for behind the first drawing, drawn, and followed. */
import { join } from "node:path";
import { expect, test } from "vitest";
import type { FromPageMessage } from "../../runtime/protocol/page.ts";
import { light } from "../../webview/themes.ts";
import { type HostedPage, PICTURES, usePages } from "./page-host.ts";
import { hydrate, pageBatch, pageRun, STEPS } from "./page-run.ts";

const PATIENCE = { timeout: 20_000 };

const pages = usePages(1);

async function questions(hosted: HostedPage): Promise<FromPageMessage[]> {
  const { posts } = await hosted.watched();
  return posts.filter(({ type }) => type === "histograms");
}

/** Answers with histograms of a tensor of 8192 elements: a bell around η / 4, an eighth of them still. */
async function answer({ page }: HostedPage, tensor: number, from: number, to: number) {
  await page.evaluate(`{
    const steps = [], words = [];
    for (let step = ${from}; step <= ${to}; step++) {
      const lr = 1e-3 * (1 + Math.cos(step / 400));
      const counts = Array.from({ length: 40 }, (_, i) => Math.round(2000 * Math.exp(-((i - 36) ** 2) / 4)));
      counts[0] = 8192 - counts.reduce((a, b) => a + b) + counts[0];
      steps.push(step);
      words.push(40, lr, -38, ...counts);
    }
    const histograms = { tensor: ${tensor}, steps: Float64Array.from(steps), words: Float32Array.from(words) };
    postMessage({ type: "histograms", histograms });
  }`);
}

test("a run that has ended is asked once, behind its first drawing, and its histogram drawn", async () => {
  const hosted = await pages.open({ height: 1180 });
  const { page } = hosted;
  await hosted.send(hydrate());
  await hosted.drawn(STEPS);
  await expect
    .poll(() => questions(hosted), PATIENCE)
    .toEqual([{ type: "histograms", tensor: 0, after: 0 }]);
  const card = page.locator("[data-chart=stepHistogram]");
  expect(await card.count()).toBe(0);
  // Those of a tensor that is not chosen are no answer.
  await answer(hosted, 3, 1, 9);
  await answer(hosted, 0, 1, STEPS);
  await hosted.drawn(STEPS, ["stepHistogram"]);
  const legend = card.locator(".legend li");
  const lr = 1e-3 * (1 + Math.cos(STEPS / 400));
  expect(await hosted.value("stepHistogram")).toBeCloseTo(Math.fround(lr) / 4, 12);
  expect(await legend.nth(2).textContent()).toMatch(/^share below the axis0\.1/);
  expect(await card.locator(".color-legend").textContent()).toMatch(
    /share of 8\u202f192 elements in an octave$/,
  );
  await card.scrollIntoViewIfNeeded();
  await card.screenshot({ path: join(PICTURES, "histogram.png") });
  await page.getByRole("slider", { name: "Histogram of step size by step" }).focus();
  await page.keyboard.press("Home");
  expect(await card.locator(".chart-steps").textContent()).toBe("at step 1");
  expect(await card.locator(".chart-value").textContent()).toBe("0.0005");

  await hosted.setTheme(light);
  await hosted.drawn(STEPS, ["stepHistogram"]);
  await hosted.expectClean();
  await page.close();
});

test("it is asked for the tensor that is chosen", async () => {
  const hosted = await pages.open({ state: { tensor: "2.bias" } });
  await hosted.send(hydrate());
  await expect
    .poll(() => questions(hosted), PATIENCE)
    .toEqual([{ type: "histograms", tensor: 3, after: 0 }]);
  await hosted.expectClean();
  await hosted.page.close();
});

test("a run that goes on is asked for what is new", async () => {
  const hosted = await pages.open();
  const { page } = hosted;
  await hosted.send(hydrate({ run: pageRun(), batches: [pageBatch(1, 300)] }));
  await hosted.drawn(300);
  await answer(hosted, 0, 1, 300);
  await hosted.drawn(300, ["stepHistogram"]);
  await page.waitForTimeout(1000);
  await hosted.send({ type: "steps", batch: pageBatch(301, 100) });
  await expect
    .poll(() => questions(hosted), PATIENCE)
    .toEqual([0, 300].map(after => ({ type: "histograms", tensor: 0, after })));
  // What it has already is left.
  await answer(hosted, 0, 250, 400);
  const count = page.locator("[data-chart=stepHistogram] .chart-steps");
  await expect.poll(() => count.textContent(), PATIENCE).toMatch(/^3\d\d points of 400 steps$/);
  await hosted.expectClean();
  await page.close();
});
