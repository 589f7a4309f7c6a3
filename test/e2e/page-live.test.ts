/** What a page does, and does not do, while steps come. */
import { expect, test } from "vitest";
import { usePages } from "./page-host.ts";
import { hydrate, pageBatch, pageRun } from "./page-run.ts";

const pages = usePages(1);

/** A browser draws when it comes to it. */
const PATIENCE = { timeout: 20_000 };

async function open(height: number) {
  const hosted = await pages.open({ height });
  await hosted.send(hydrate({ run: pageRun(), batches: [pageBatch(1, 100)] }));
  await hosted.drawn(100, ["loss"]);
  return hosted;
}

/** Elements that the browser styled at once, each time. */
interface Styled {
  readonly name: string;
  readonly args: { readonly elementCount?: number };
}

test("a number that changes does not style the whole page", async () => {
  const hosted = await open(1500);
  const session = await hosted.page.context().newCDPSession(hosted.page);
  const events: Styled[] = [];
  session.on("Tracing.dataCollected", ({ value }) =>
    events.push(...(value as unknown as Styled[])),
  );
  await session.send("Tracing.start", { categories: "devtools.timeline" });
  for (let step = 101; step <= 110; step++) {
    await hosted.send({ type: "steps", batch: pageBatch(step, 1) });
    await hosted.drawn(step, ["loss"]);
  }
  const complete = new Promise<void>(resolve => {
    session.once("Tracing.tracingComplete", () => resolve());
  });
  await session.send("Tracing.end");
  await complete;
  const styled = events.flatMap(({ name, args }) =>
    name === "UpdateLayoutTree" ? [args.elementCount ?? 0] : [],
  );
  expect(styled.length).toBeGreaterThan(0);
  const all = await hosted.page.locator("body *").count();
  expect(Math.max(...styled)).toBeLessThan(all / 4);
  await hosted.page.close();
});

test("what can be done with a run is there as soon as the run is, and nothing else", async () => {
  const hosted = await pages.open();
  await hosted.page.evaluate(`new MutationObserver((_, observer) => {
    observer.disconnect();
    const buttons = document.querySelectorAll(".loop-controls button");
    globalThis.offered = [...buttons].filter(each => each.checkVisibility()).map(each => each.ariaLabel);
  }).observe(document.body, { attributes: true, childList: true, subtree: true })`);
  await hosted.send(hydrate({ run: pageRun(), batches: [pageBatch(1, 100)] }));
  await hosted.drawn(100, ["loss"]);
  const offered = await hosted.page.evaluate("offered");
  expect(offered).toContain("Pause");
  expect(offered).not.toContain("Resume");
  await hosted.page.close();
});

test("a plot out of sight is drawn when it is seen; what stands above it is kept up to date", async () => {
  const hosted = await open(600);
  const { page } = hosted;
  // Of the chart nothing but its title is seen.
  const head = await page.locator("[data-chart=gradNorm] .chart-head").boundingBox();
  const height = Math.ceil((head?.y ?? 0) + (head?.height ?? 0));
  await page.setViewportSize({ width: 900, height });
  await page.evaluate(`(() => {
    globalThis.cleared = new Set();
    const { clearRect } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.clearRect = function (...given) {
      cleared.add(this.canvas.closest("[data-chart]")?.dataset.chart);
      return clearRect.apply(this, given);
    };
  })()`);
  const drawn = () => page.evaluate<string[]>("[...cleared]");
  // The page hears a little later what can be seen of it.
  await page.waitForTimeout(300);
  await page.evaluate("cleared.clear()");
  await hosted.send({ type: "steps", batch: pageBatch(101, 20) });
  await hosted.drawn(120, ["loss", "gradNorm"]);
  expect(await drawn()).toContain("loss");
  expect(await drawn()).not.toContain("gradNorm");
  await page.evaluate(`document.querySelector("[data-chart=gradNorm] .plot").scrollIntoView()`);
  await expect.poll(drawn, PATIENCE).toContain("gradNorm");
  await hosted.expectClean();
  await page.close();
});
