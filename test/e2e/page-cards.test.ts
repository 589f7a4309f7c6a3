/** What a user does with the charts of the page beside reading them. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import axe from "axe-core";
import { expect, test } from "vitest";
import { parsePageMessage } from "../../runtime/page/pageMessages.ts";
import { dark, highContrast, light, THEMES } from "../../webview/themes.ts";
import { type HostedPage, type PageOptions, PICTURES, usePages } from "./page-host.ts";
import { hydrate, STEPS } from "./page-run.ts";

/** A browser draws when it comes to it. */
const PATIENCE = { timeout: 20_000 };

const pages = usePages(1);

async function open(options: Partial<PageOptions> = {}): Promise<HostedPage> {
  const hosted = await pages.open(options);
  await hosted.send(hydrate());
  await hosted.drawn(STEPS, ["loss"]);
  return hosted;
}

/** The last picture that the page gave its host to save. */
async function saved(hosted: HostedPage) {
  const last = async () => parsePageMessage((await hosted.asked()).at(-1));
  await expect.poll(async () => (await last())?.type, PATIENCE).toBe("savePicture");
  const message = await last();
  if (message?.type !== "savePicture") throw new Error("Nothing was saved");
  return message;
}

test("a chart is saved as it is shown in a theme, with title, legend and axis labels", async () => {
  const state = { gradientTensors: ["0.weight", "2.weight"] };
  const hosted = await open({ height: 800, state });
  const { page } = hosted;
  for (const theme of [dark, light, highContrast]) {
    await hosted.setTheme(theme);
    await expect
      .poll(() => hosted.painted("gradNorm", "charts-orange"), PATIENCE)
      .toBeGreaterThan(50);
    await page.getByRole("button", { name: "Gradient norm: more" }).click();
    await page.screenshot({ path: join(PICTURES, `menu-${theme.name}.png`) });
    await page.getByRole("menuitem", { name: "Save as PNG…" }).click();
    await expect.poll(async () => (await saved(hosted)).name, PATIENCE).toMatch(/\.png$/);
    const png = await saved(hosted);
    expect(png.name).toBe("20260115-093000-digits-gradNorm.png");
    expect([...png.bytes.subarray(1, 4)]).toEqual([..."PNG"].map(c => c.charCodeAt(0)));
    await writeFile(join(PICTURES, `export-${theme.name}.png`), png.bytes);

    await page.getByRole("slider", { name: "Gradient norm by step" }).focus();
    await page.keyboard.press("Control+Shift+S");
    await expect.poll(async () => (await saved(hosted)).name, PATIENCE).toMatch(/\.svg$/);
    const svg = new TextDecoder().decode((await saved(hosted)).bytes);
    for (const text of [
      "Gradient norm",
      "all parameters",
      "0.weight",
      "‖g‖₂ (bold: smoothed)",
      "step",
      ">500<",
    ]) {
      expect(svg.includes(text), text).toBe(true);
    }
    expect(svg.includes(`stroke="${theme.tokens["charts-orange"]}"`)).toBe(true);
    // It is well-formed, opaque, and needs nothing from elsewhere.
    const root = await page.evaluate(`(() => {
      const text = ${JSON.stringify(svg)};
      const { documentElement } = new DOMParser().parseFromString(text, "image/svg+xml");
      const background = documentElement.querySelector("rect")?.getAttribute("fill");
      return { name: documentElement.localName, background };
    })()`);
    expect(root).toEqual({ name: "svg", background: theme.tokens["editor-background"] });
    expect(/href=|url\((?!#)/.test(svg)).toBe(false);
  }
  await hosted.expectClean();
  await page.close();
});

test("a chart is copied by a key, and a picture of a tensor names it", async () => {
  await pages.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const hosted = await open({ state: { tensor: "2.bias" } });
  const { page } = hosted;
  await page.getByRole("slider", { name: "Loss by step" }).focus();
  await page.keyboard.press("Control+C");
  await page.getByText("Loss: copied as PNG").waitFor();
  const size = await page.evaluate<readonly number[]>(`(async () => {
    const [item] = await navigator.clipboard.read();
    const { width, height } = await createImageBitmap(await item.getType("image/png"));
    return [width, height];
  })()`);
  const box = await page.locator("[data-chart=loss] .plot").boundingBox();
  expect(size[0]).toBe(Math.round(2 * ((box?.width ?? 0) + 24)));
  await page.getByRole("slider", { name: "Step size by step" }).click({ button: "right" });
  await page.getByRole("menuitem", { name: "Save as SVG…" }).click();
  const svg = new TextDecoder().decode((await saved(hosted)).bytes);
  expect(svg.includes(">2.bias ")).toBe(true);
  await hosted.expectClean();
  await page.close();
});

test("charts are moved, pinned, resized, hidden and shown again, and stay so", async () => {
  const hosted = await open({ height: 1000 });
  const { page } = hosted;
  const plot = (name: string) => page.getByRole("slider", { name: `${name} by step` });
  const order = () =>
    page
      .locator(".chart:visible")
      .evaluateAll(cards => cards.map(card => card.getAttribute("data-chart")));
  const [loss, gradNorm, effectiveLr, ...others] = await order();
  await plot("Gradient norm").focus();
  await page.keyboard.press("Alt+ArrowUp");
  expect(await order()).toEqual([gradNorm, loss, effectiveLr, ...others]);
  // The focus moves along.
  await page.keyboard.press("Alt+ArrowDown");
  await page.keyboard.press("Alt+ArrowDown");
  expect(await order()).toEqual([loss, effectiveLr, gradNorm, ...others]);
  await page.keyboard.press("p");
  expect(await order()).toEqual([gradNorm, loss, effectiveLr, ...others]);

  // By its title, before the step size.
  const title = await page.getByRole("heading", { name: "Effective learning rate" }).boundingBox();
  const target = await page.locator("[data-chart=lr]").boundingBox();
  if (!title || !target) throw new Error("There is no box");
  await page.mouse.move(title.x + 20, title.y + 8);
  await page.mouse.down();
  await page.mouse.move(target.x + 30, target.y + 30, { steps: 4 });
  await page.screenshot({ path: join(PICTURES, "dragged.png") });
  await page.mouse.up();
  const [first, ...rest] = others;
  expect(await order()).toEqual([gradNorm, loss, first, effectiveLr, ...rest]);

  const height = async () => Math.round((await plot("Loss").boundingBox())?.height ?? 0);
  const before = await height();
  await plot("Loss").focus();
  await page.keyboard.press("Alt+Shift+ArrowDown");
  expect(await height()).toBe(before + 40);
  const box = await page.locator("[data-chart=loss] .height-handle").boundingBox();
  if (!box) throw new Error("The handle has no box");
  await page.mouse.move(box.x + 50, box.y + 2);
  await page.mouse.down();
  await page.mouse.move(box.x + 50, box.y - 58, { steps: 3 });
  await page.mouse.up();
  expect(await height()).toBe(before - 20);

  await plot("Loss").focus();
  await page.keyboard.press("Delete");
  expect(await order()).not.toContain("loss");
  await page.screenshot({ path: join(PICTURES, "hidden.png") });
  await page.getByRole("button", { name: "Undo" }).click();
  expect(await order()).toContain("loss");
  await page.getByRole("button", { name: "Charts", exact: true }).click();
  await page.screenshot({ path: join(PICTURES, "charts-menu.png") });
  await page.getByRole("menuitemcheckbox", { name: "Sign flips" }).click();
  expect(await order()).not.toContain("signFlips");
  const now = await order();
  const post = (await hosted.watched()).posts.findLast(({ type }) => type === "keepView");
  const message = parsePageMessage(post);
  if (message?.type !== "keepView") throw new Error("Nothing was kept");
  await hosted.expectClean();
  await page.close();

  // Another panel of the workspace.
  const again = await pages.open({ theme: light, height: 600, view: message.view });
  await again.send(hydrate());
  await again.drawn(STEPS, ["gradNorm"]);
  const shown = () =>
    again.page
      .locator(".chart:visible")
      .evaluateAll(cards => cards.map(card => card.getAttribute("data-chart")));
  expect(await shown()).toEqual(now);
  await again.send({ type: "resetLayout" });
  await expect.poll(shown, PATIENCE).toEqual(["loss", "gradNorm", "effectiveLr", ...others]);
  await again.page.getByRole("button", { name: "Undo" }).click();
  expect(await shown()).toEqual(now);
  await again.expectClean();
  await again.page.close();
});

test("a chart gets the whole page, and its place back with the focus", async () => {
  const hosted = await open({ height: 700 });
  const { page } = hosted;
  const plot = page.getByRole("slider", { name: "Learning rate by step", exact: true });
  await plot.focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => page.locator(".chart:visible").count(), PATIENCE).toBe(1);
  await expect
    .poll(async () => (await plot.boundingBox())?.height ?? 0, PATIENCE)
    .toBeGreaterThan(550);
  expect(await page.locator(".run-title:visible").count()).toBe(0);
  const overflow = await page.evaluate("document.documentElement.scrollHeight - innerHeight");
  expect(overflow).toBeLessThanOrEqual(0);
  await hosted.drawn(STEPS, ["lr"]);
  await page.screenshot({ path: join(PICTURES, "full.png") });
  await page.keyboard.press("Escape");
  await expect.poll(() => page.locator(".chart:visible").count(), PATIENCE).toBeGreaterThan(5);
  expect(await plot.evaluate(element => element.matches(":focus"))).toBe(true);
  await page.getByRole("button", { name: "Loss: full screen" }).click();
  await expect.poll(() => page.locator(".chart:visible").count(), PATIENCE).toBe(1);
  await page.getByRole("button", { name: "Loss: full screen" }).click();
  await expect.poll(() => page.locator(".chart:visible").count(), PATIENCE).toBeGreaterThan(5);
  await hosted.expectClean();
  await page.close();
});

test("tensors are found by a filter and chosen by their modules, by keys alone", async () => {
  const hosted = await open({ height: 1000 });
  const { page } = hosted;
  await page.getByRole("button", { name: "none" }).first().press("Enter");
  const filter = page.locator(".tensor-picker:popover-open").getByRole("searchbox");
  await page.keyboard.type("*.weight");
  await expect.poll(() => page.getByRole("treeitem").count(), PATIENCE).toBe(6);
  await page.keyboard.press("Enter");
  const state = async () => (await hosted.watched()).state;
  const weights = ["0.weight", "2.weight", "4.weight"];
  expect(await state()).toMatchObject({ gradientTensors: weights, tensorFilter: "*.weight" });
  await expect.poll(() => hosted.painted("gradNorm", "charts-green"), PATIENCE).toBeGreaterThan(50);
  await filter.fill("");
  await expect.poll(() => page.getByRole("treeitem").count(), PATIENCE).toBe(9);
  await page.keyboard.press("ArrowDown");
  // A whole module, which has a chosen tensor already; then it is collapsed.
  await page.keyboard.press("Space");
  expect(await state()).toMatchObject({
    gradientTensors: ["2.weight", "4.weight", "0.weight", "0.bias"],
  });
  await page.keyboard.press("ArrowLeft");
  await expect.poll(() => page.getByRole("treeitem").count(), PATIENCE).toBe(7);
  expect(await state()).toMatchObject({ collapsed: ["0"] });
  await page.screenshot({ path: join(PICTURES, "tensors.png") });
  const module = page.getByRole("treeitem", { name: "0 2 tensors" });
  expect(await module.getAttribute("aria-expanded")).toBe("false");
  expect(await module.evaluate(element => element.matches(":focus"))).toBe(true);
  await filter.fill("nothing");
  await page.getByText("No tensor has such a name").waitFor();
  await page.keyboard.press("Escape");
  await expect.poll(() => page.locator(".tensor-picker:popover-open").count()).toBe(0);

  // One tensor alone, in a narrow panel.
  await page.setViewportSize({ width: 400, height: 900 });
  await page.getByRole("button", { name: "0.weight", exact: true }).first().press("Enter");
  await filter.fill("4.b");
  await page.screenshot({ path: join(PICTURES, "tensors-400.png") });
  await page.keyboard.press("Enter");
  expect(await state()).toMatchObject({ tensor: "4.bias" });
  await hosted.expectClean();
  await page.close();
});

test("axe finds no fault in any theme: charts, table, menu, choice of tensors, no run", async () => {
  const hosted = await open({ height: 1000, state: { gradientTensors: ["0.weight"] } });
  const { page } = hosted;
  // Past the page's policy, as a browser's tools are.
  await page.evaluate(axe.source);
  /** Rules that are broken, each with the elements. */
  const faults = async (where: string) => {
    const { violations } = await page.evaluate<axe.AxeResults>(
      "axe.run(document, { preload: false, resultTypes: ['violations'] })",
    );
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(
        ({ html, any }) => `${where}: ${id}: ${any[0]?.message ?? ""} ${html.slice(0, 160)}`,
      ),
    );
  };
  const found: string[] = [];
  for (const theme of THEMES) {
    await hosted.setTheme(theme);
    found.push(...(await faults(theme.name)));
  }
  await page.getByRole("button", { name: "Loss: show as table" }).click();
  await page.getByRole("button", { name: "Loss: more" }).click();
  found.push(...(await faults("menu")));
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "0.weight" }).first().click();
  found.push(...(await faults("tensors")));
  await hosted.send({ type: "empty", heading: "", reason: "" });
  await page.getByRole("heading", { name: "No run yet" }).waitFor();
  found.push(...(await faults("no run")));
  expect(found).toEqual([]);
  await hosted.expectClean();
  await page.close();
});
