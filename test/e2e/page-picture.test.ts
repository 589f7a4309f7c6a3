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
  const card = page.locator("[data-chart=picture]");
  const text = () => card.locator("#picture-text").textContent();
  const keep = async (file: string) => {
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(overflow).toBeLessThanOrEqual(0);
    const path = join(PICTURES, `picture-${file}-${name}-${width}.png`);
    await card.screenshot({ path });
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
  await card.getByText("Cancel").click();
  await expect
    .poll(async () => (await hosted.asked()).at(-1), PATIENCE)
    .toEqual({ type: "control", control: { type: "stopDrawing" } });
  await hosted.send({ type: "picture", picture: surface });
  await expect.poll(() => card.getByText("Cancel").isVisible(), PATIENCE).toBe(false);
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
  await hosted.send({ type: "picture", picture: pageSurface("plane", 41) });

  // While it runs as often as that is chosen, one after the other.
  await page.getByRole("combobox", { name: "Draw while the loop runs" }).click();
  await page.getByRole("option", { name: "Every 10 steps" }).click();
  await hosted.send({ type: "run", run: { ...run, paused: false, steps: 41 } });
  await expect.poll(() => page.locator("text=the loop waits").isVisible(), PATIENCE).toBe(true);
  await keep("every");
  await hosted.send({ type: "steps", batch: pageBatch(42, 9) });
  await hosted.drawn(50, ["loss"]);
  expect(await asked()).toHaveLength(3);
  await hosted.send({ type: "steps", batch: pageBatch(51, 1) });
  await expect.poll(asked, PATIENCE).toHaveLength(4);
  await hosted.send({ type: "steps", batch: pageBatch(52, 20) });
  await hosted.drawn(71, ["loss"]);
  expect(await asked()).toHaveLength(4);
  await hosted.send({ type: "picture", picture: pageSurface("plane", 52) });
  await expect.poll(asked, PATIENCE).toHaveLength(5);
  // By the command, whatever is chosen.
  await hosted.send({ type: "open", part: "picture" });
  await expect.poll(asked, PATIENCE).toHaveLength(6);
  expect((await hosted.watched()).violations).toEqual([]);
  expect(hosted.problems).toEqual([]);
  await page.close();
});
