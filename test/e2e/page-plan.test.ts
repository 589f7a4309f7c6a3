/** What a schedule has planned is in the chart of the learning rate, ahead of what was measured. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { cornersOf } from "../../runtime/sidecar/corners.ts";
import { formatCount } from "../../webview/data/format.ts";
import { type HostedPage, PICTURES, usePages } from "./page-host.ts";
import { ENDED, hydrate, pageBatch, pageRate, pageRun, STEPS } from "./page-run.ts";

const { open } = usePages(2);

const END = 2100;
const steps = Array.from({ length: END }, (_, i) => i + 1);
const { x, y } = cornersOf({ x: steps, y: steps.map(pageRate) }, 256);
const PLANNED = [{ group: 0, steps: x, lr: y, isOpen: false }];

const ahead = (hosted: HostedPage) => hosted.faint("lr", "charts-blue");

const legend = ({ page }: HostedPage) => page.locator("[data-chart=lr] .legend li").allInnerTexts();

const summary = ({ page }: HostedPage) =>
  page.locator("[data-chart=lr] p.visually-hidden").textContent({ timeout: 5000 });

test("a plan is drawn before the first step, gives way to what is measured, and is read by step", async () => {
  const hosted = await open({ height: 1500 });
  const { page } = hosted;
  await hosted.send(hydrate({ run: pageRun({ planned: PLANNED }), batches: [], logs: [] }));
  await hosted.drawn(0, ["lr"]);
  await expect.poll(() => ahead(hosted)).toBeDefined();
  const whole = await ahead(hosted);
  expect(whole?.[0]).toBeLessThan(0.1);
  expect(whole?.[1]).toBeGreaterThan(0.97);
  expect(await legend(hosted)).toEqual(["η\n–", "planned\n2e−5"]);
  expect(await summary(hosted)).toMatch(/Planned until step 2\s100\./);
  await page.locator("[data-chart=lr]").scrollIntoViewIfNeeded();
  await page.screenshot({ path: join(PICTURES, "plan-before.png") });

  const plot = page.locator("[data-chart=lr] .plot");
  const box = await plot.boundingBox();
  const pointAt = (share: number) =>
    page.mouse.move(
      (box?.x ?? 0) + 52 + share * ((box?.width ?? 0) - 66),
      (box?.y ?? 0) + (box?.height ?? 0) / 2,
    );
  await pointAt(0.5);
  await expect
    .poll(() => page.locator("[data-chart=lr] .tooltip").textContent())
    .toMatch(/planned/);

  await hosted.send({ type: "steps", batch: pageBatch(1, 700) });
  await hosted.drawn(700, ["lr"]);
  const rest = await ahead(hosted);
  expect(rest?.[0]).toBeGreaterThan(0.3);
  expect(rest?.[0]).toBeLessThan(0.4);
  expect(rest?.[1]).toBeGreaterThan(0.97);
  await pointAt(0.5);
  const tooltip = page.locator("[data-chart=lr] .tooltip");
  await expect.poll(() => tooltip.textContent()).toMatch(/step 1\s0\d\dη–planned0\.00\d+/);
  await page.screenshot({ path: join(PICTURES, "plan-live.png") });
  // No other chart that is seen says anything of a step that is to come.
  for (const id of ["loss", "gradNorm", "effectiveLr", "stepSize", "signFlips", "heatMap"]) {
    expect(await page.locator(`[data-chart=${id}] .chart-value`).textContent(), id).toBe("–");
  }
  // The other charts show the steps that there are.
  await page.mouse.move(0, 0);
  await page.getByRole("button", { name: "Learning rate: show as table", exact: true }).click();
  const head = page.locator("[data-chart=lr] .readings thead th");
  expect(await head.allInnerTexts()).toEqual(["Step", "Epoch", "Time", "η", "planned"]);
  const rows = await page.locator("[data-chart=lr] .readings tbody tr").allInnerTexts();
  expect(rows.at(-1)?.split("\t").slice(0, 4)).toEqual([formatCount(END), "–", "–", "–"]);
  expect(Number(rows.at(-1)?.split("\t")[4])).toBeCloseTo(pageRate(END), 9);
  await hosted.expectClean();
  await page.close();
});

test("what is planned is zoomed like what was measured, and all charts show the same steps", async () => {
  const hosted = await open({ height: 1500 });
  const { page } = hosted;
  await hosted.send(
    hydrate({ run: pageRun({ planned: PLANNED }), batches: [pageBatch(1, 700)], logs: [] }),
  );
  await hosted.drawn(700);
  await expect.poll(() => ahead(hosted)).toBeDefined();
  const at = async (chart: string, share: number) => {
    const plot = page.locator(`[data-chart=${chart}] .plot`);
    await plot.scrollIntoViewIfNeeded();
    const { x = 0, y = 0, width = 0, height = 0 } = (await plot.boundingBox()) ?? {};
    await page.mouse.move(x + 52 + share * (width - 66), y + height / 2);
  };
  /** The step in the middle of the plan that is shown. */
  const middle = async () => {
    await at("lr", 0.5);
    const text = await page.locator("[data-chart=lr] .tooltip-step").textContent();
    return Number(text?.replace(/\D/g, ""));
  };

  // Where nothing was measured, values give way to dashes: no chart moves for it.
  const top = async () => (await page.locator("[data-chart=lr]").boundingBox())?.y;
  const before = await top();
  await at("lr", 0.5);
  await page.locator("[data-chart=effectiveLr] .legend-value", { hasText: "–" }).first().waitFor();
  expect(await top()).toBe(before);
  await page.mouse.down();
  await at("lr", 0.75);
  await page.mouse.up();
  // From step 1,050 to 1,575.
  await expect.poll(async () => Math.abs((await middle()) - 1313)).toBeLessThan(6);
  await page.screenshot({ path: join(PICTURES, "plan-zoomed.png") });
  expect((await ahead(hosted))?.[0]).toBeLessThan(0.1);
  expect((await ahead(hosted))?.[1]).toBeGreaterThan(0.97);
  // The map of all tensors has nothing there.
  await page.locator("[data-chart=heatMap]").scrollIntoViewIfNeeded();
  await expect
    .poll(() => page.locator("[data-chart=heatMap] .chart-steps").textContent())
    .toBe("0 steps");

  // Another chart, which draws nothing there, does not leave it.
  await page.keyboard.down("Control");
  await at("loss", 0.5);
  await page.mouse.wheel(0, -200);
  await at("lr", 0.5);
  await page.keyboard.up("Control");
  await expect.poll(async () => Math.abs((await middle()) - 1313)).toBeLessThan(6);
  await at("loss", 0.5);
  expect(await page.locator("[data-chart=loss] .tooltip").isVisible()).toBe(false);

  // Keys zoom where the pointer is, and out to all of it.
  await page.locator("[data-chart=lr] .plot").focus();
  await at("lr", 0.5);
  await page.keyboard.press("+");
  await expect.poll(async () => Math.abs((await middle()) - 1313)).toBeLessThan(6);
  const all = page.getByRole("button", { name: "Show all" });
  await expect
    .poll(async () => {
      await page.keyboard.press("-");
      return all.isVisible();
    })
    .toBe(false);
  await expect.poll(async () => Math.abs((await middle()) - 1050)).toBeLessThan(6);
  await hosted.expectClean();
  await page.close();
});

test("it is taken away when the run says so, stays with a run that was stopped, and is no more than steps", async () => {
  const hosted = await open({ height: 1500 });
  const { page } = hosted;
  const run = pageRun({ planned: PLANNED });
  await hosted.send(hydrate({ run, batches: [pageBatch(1, 700)] }));
  await hosted.drawn(700, ["lr"]);
  await expect.poll(() => ahead(hosted)).toBeDefined();
  // Its user has set the learning rate.
  await hosted.send({ type: "run", run: { ...run, planned: [] } });
  await expect.poll(() => ahead(hosted)).toBeUndefined();
  expect(await page.locator("[data-chart=lr] .legend").isVisible()).toBe(false);

  await hosted.send(hydrate({ run: pageRun({ ...ENDED, status: "stopped", planned: PLANNED }) }));
  await hosted.drawn(STEPS, ["lr"]);
  await expect.poll(() => ahead(hosted)).toBeDefined();
  await page.screenshot({ path: join(PICTURES, "plan-stopped.png") });
  // Part of the axis: what was planned lies behind it.
  await page.locator("[data-chart=loss] .plot").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("+");
  await expect.poll(() => ahead(hosted)).toBeUndefined();
  await page.keyboard.press("0");
  await expect.poll(() => ahead(hosted)).toBeDefined();
  const endless = PLANNED.map(each => ({ ...each, isOpen: true }));
  await hosted.send(hydrate({ run: pageRun({ ...ENDED, planned: endless }) }));
  await hosted.drawn(STEPS, ["lr"]);
  await expect.poll(() => ahead(hosted)).toBeUndefined();
  await hosted.expectClean();
  await page.close();
});
