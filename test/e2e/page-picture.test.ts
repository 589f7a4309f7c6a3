/** The loss around a loop that is held, as the page draws it and asks for it. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { THEMES } from "../../webview/themes.ts";
import { PICTURES, usePages } from "./page-host.ts";
import { hydrate, pageBatch, pageLine, pageRun, pageSurface } from "./page-run.ts";

/** A browser draws when it comes to it. */
const PATIENCE = { timeout: 20_000 };

const { open } = usePages(2);

test.each(
  THEMES.slice(0, 2).map((theme, i) => ({ theme, name: theme.name, width: [900, 400][i] ?? 0 })),
)("it is drawn in the theme $name, $width pixels wide", async ({ theme, name, width }) => {
  const hosted = await open({ theme, width, height: 900 });
  const { page } = hosted;
  const run = pageRun({ status: "running", paused: true, steps: 40 });
  await hosted.send(hydrate({ run, batches: [pageBatch(1, 40)] }));
  const asked = async () =>
    (await hosted.watched()).posts.filter(
      post => post.type === "control" && post.control.type === "draw",
    );
  const text = () => page.textContent(".picture-text");
  const keep = async (file: string) => {
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(overflow).toBeLessThanOrEqual(0);
    const path = join(PICTURES, `picture-${file}-${name}-${width}.png`);
    await page.locator("[data-chart=picture]").screenshot({ path });
  };
  // By itself, since it stands.
  await expect.poll(asked, PATIENCE).toHaveLength(1);
  await hosted.send({ type: "picture", picture: pageLine(40) });
  await expect.poll(text, PATIENCE).toMatch(/^Step 40 began at loss 0.31. /);
  await expect.poll(() => hosted.painted("picture", "charts-blue"), PATIENCE).toBeGreaterThan(300);
  expect(await hosted.painted("picture", "charts-orange")).toBeGreaterThan(100);
  await keep("line");

  await page.click("text=Last updates");
  await expect.poll(asked, PATIENCE).toHaveLength(2);
  const surface = pageSurface("plane", 40);
  await hosted.send({ type: "picture", picture: { ...surface, done: 100 } });
  await expect.poll(text, PATIENCE).toContain("the way here over 6 places");
  await page.click("text=Cancel");
  await expect
    .poll(async () => (await hosted.asked()).at(-1), PATIENCE)
    .toEqual({ type: "control", control: { type: "stopDrawing" } });
  await hosted.send({ type: "picture", picture: surface });
  await expect.poll(() => page.locator("text=Cancel").isVisible(), PATIENCE).toBe(false);
  await keep("surface");

  const problem = "The loop went back, and no step was taken since. Take one.";
  await hosted.send({ type: "picture", picture: { ...surface, problem } });
  await expect.poll(() => page.locator(`text=${problem}`).isVisible(), PATIENCE).toBe(true);
  // What is not wanted by itself is drawn when it is asked for.
  await page.click("text=While paused");
  await hosted.send({ type: "run", run: { ...run, paused: false } });
  await hosted.send({ type: "steps", batch: pageBatch(41, 1) });
  await hosted.send({ type: "run", run: { ...run, steps: 41 } });
  await hosted.drawn(41, ["loss"]);
  expect(await asked()).toHaveLength(2);
  await page.click("[aria-label='Draw the loss around here']");
  await expect.poll(asked, PATIENCE).toHaveLength(3);
  expect((await hosted.watched()).violations).toEqual([]);
  expect(hosted.problems).toEqual([]);
  await page.close();
});
