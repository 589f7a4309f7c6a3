/** Learning rates that are tried from a held loop: what the page asks for, shows and takes. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { THEMES } from "../../webview/themes.ts";
import { PICTURES, usePages } from "./page-host.ts";
import { hydrate, pageBatch, pageBranches, pageRun } from "./page-run.ts";

/** A browser draws when it comes to it. */
const PATIENCE = { timeout: 20_000 };

const { open } = usePages(2);

test.each(
  THEMES.slice(0, 3).map((theme, i) => ({
    theme,
    name: theme.name,
    width: [900, 400, 900][i] ?? 0,
  })),
)("they are tried in the theme $name, $width pixels wide", async ({ theme, name, width }) => {
  const hosted = await open({ theme, width, height: 1000 });
  const { page } = hosted;
  const run = pageRun({ status: "running", paused: true, steps: 40 });
  await hosted.send(hydrate({ run, batches: [pageBatch(1, 40)] }));
  const asked = async (type: string) =>
    (await hosted.watched()).posts.flatMap(post =>
      post.type === "control" && post.control.type === type ? [post.control] : [],
    );
  const card = page.locator("[data-chart=branches]");
  const text = () => card.locator(".picture-text").textContent();
  const keep = async (file: string) => {
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(overflow).toBeLessThanOrEqual(0);
    await card.screenshot({ path: join(PICTURES, `branches-${file}-${name}-${width}.png`) });
  };
  await expect.poll(() => page.locator("[aria-label='Step']").isVisible(), PATIENCE).toBe(true);
  expect(await card.isVisible()).toBe(false);

  // The key opens it, and what is typed is checked.
  await page.keyboard.press("b");
  await expect.poll(() => card.isVisible(), PATIENCE).toBe(true);
  await keep("form");
  await page.keyboard.type("1 two 4");
  await page.keyboard.press("Enter");
  const objection = () => card.locator(".objection").textContent();
  await expect
    .poll(objection, PATIENCE)
    .toBe("Each factor of η has to be a number above 0, such as 0.5 or 2.");
  await keep("objection");
  await page.fill("[aria-label='Factors of η']", "0.25, 0.5, 1, 2, 4");
  await page.fill("[aria-label='Steps of each']", "0");
  await page.keyboard.press("Enter");
  await expect.poll(objection, PATIENCE).toBe("A branch has 1 to 1000 steps.");
  await page.fill("[aria-label='Steps of each']", "20");
  await card.getByRole("button", { name: "Try" }).click();
  const control = { type: "branch", factors: [0.25, 0.5, 1, 2, 4], steps: 20 };
  await expect.poll(() => asked("branch"), PATIENCE).toEqual([control]);
  expect(await card.locator(".objection").isVisible()).toBe(false);

  await hosted.send({ type: "branches", branches: pageBranches(40, 20, 52) });
  await expect.poll(text, PATIENCE).toBe("Branch 3 of 5, step 12 of 20.");
  await expect.poll(() => hosted.painted("branches", "charts-blue"), PATIENCE).toBeGreaterThan(100);
  expect(await card.getByRole("button", { name: "Take η 0.001" }).isDisabled()).toBe(true);
  await keep("under-way");
  await card.getByRole("button", { name: "Cancel" }).click();
  await expect.poll(() => asked("stopBranching"), PATIENCE).toHaveLength(1);

  await hosted.send({ type: "branches", branches: pageBranches(40, 20) });
  await expect
    .poll(text, PATIENCE)
    .toMatch(
      /^From step 40, 20 steps each\. The lowest loss at the end, [\d.]+, is that of η 0\.002\. At η 0\.004 the loss was not finite in step 16\./,
    );
  for (const token of [
    "charts-blue",
    "charts-orange",
    "charts-purple",
    "charts-green",
    "charts-red",
  ]) {
    await expect.poll(() => hosted.painted("branches", token), PATIENCE).toBeGreaterThan(50);
  }
  expect(await card.getByRole("button", { name: "Cancel" }).isVisible()).toBe(false);
  const lastLosses = () => card.locator("tbody td:nth-child(3)").allTextContents();
  expect((await lastLosses())[4]).toBe("ended");
  const isOffered = (rate: string) =>
    card.getByRole("button", { name: `Take η ${rate}`, exact: true }).isEnabled();
  await expect.poll(() => isOffered("0.002"), PATIENCE).toBe(true);
  expect(await isOffered("0.004")).toBe(false);
  await keep("over");

  // The losses of a step by pointer and by key.
  const plot = card.getByRole("slider");
  await plot.focus();
  await page.keyboard.press("Home");
  await expect
    .poll(() => card.locator("thead").textContent(), PATIENCE)
    .toContain("loss in step 41");
  await page.keyboard.press("ArrowRight");
  expect(await plot.getAttribute("aria-valuetext")).toMatch(/^step 42: η 0\.00025: [\d.]+, /);
  await plot.hover();
  await expect.poll(() => card.locator("thead").textContent(), PATIENCE).toMatch(/step (49|50|51)/);
  await keep("pointed");

  await card.getByRole("button", { name: "Take η 0.002" }).click();
  const set = { type: "set", group: 0, name: "lrFactor", value: 2 };
  await expect.poll(() => asked("set"), PATIENCE).toEqual([set]);
  expect(await asked("resume")).toHaveLength(1);
  // From another place nothing can be taken.
  await hosted.send({ type: "run", run: { ...run, paused: false } });
  const take = card.getByRole("button", { name: "Take η 0.002" });
  await expect.poll(() => take.isDisabled(), PATIENCE).toBe(true);

  const problem = "The script left its loop behind step 7 of 20 of a branch: no more were to come.";
  await hosted.send({ type: "branches", branches: { ...pageBranches(40, 20), problem } });
  await expect.poll(text, PATIENCE).toBe(problem);
  await card.getByRole("button", { name: "Close" }).click();
  expect(await card.isVisible()).toBe(false);
  await hosted.send({ type: "open", part: "branches" });
  await expect.poll(() => card.isVisible(), PATIENCE).toBe(true);
  await hosted.expectClean();
  await page.close();
});
