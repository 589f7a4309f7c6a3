/** Charts that the user writes in Vega-Lite, in the page as VS Code shows it. */
import { join } from "node:path";
import axe from "axe-core";
import { expect, test } from "vitest";
import { parsePageMessage } from "../../runtime/page/pageMessages.ts";
import { light, THEMES } from "../../webview/themes.ts";
import { type HostedPage, type PageOptions, PICTURES, usePages } from "./page-host.ts";
import { hydrate, pageBatch, pageRun, STEPS } from "./page-run.ts";

const PATIENCE = { timeout: 20_000 };

const SCATTER = JSON.stringify({
  title: "Loss by norm",
  mark: "point",
  encoding: {
    x: { field: "gradNorm", type: "quantitative", scale: { type: "log" } },
    y: { field: "loss", type: "quantitative", scale: { type: "log" } },
    color: { field: "tensor/stepSizeP50", type: "quantitative" },
  },
});

const pages = usePages(1);

async function open(options: Partial<PageOptions> & { readonly view?: string } = {}) {
  const hosted = await pages.open({ height: 1000, ...options });
  await hosted.send(hydrate());
  await hosted.drawn(STEPS, ["loss"]);
  return hosted;
}

/** The dialog in which a new chart is written. */
async function newChart({ page }: HostedPage) {
  await page.getByRole("button", { name: "Charts" }).click();
  await page.getByRole("menuitem", { name: "New chart…" }).click();
  return dialogOf(page);
}

function dialogOf(page: HostedPage["page"]) {
  const root = page.getByRole("dialog", { name: "Chart of your own" });
  return { root, area: root.getByRole("textbox"), said: root.getByRole("status") };
}

/** The user's own charts as the page keeps them. */
async function kept(hosted: HostedPage) {
  const { state } = await hosted.watched();
  return (state as { ownCharts: { id: string; text: string }[] }).ownCharts;
}

test("a chart is written, drawn, changed, removed and brought back, and kept for the next page", async () => {
  const hosted = await open();
  const { page } = hosted;
  const loaded: string[] = [];
  page.on("request", request => loaded.push(request.url()));
  const { area, root } = await newChart(hosted);
  await area.fill(SCATTER);
  await page.keyboard.press("Control+Enter");
  await root.waitFor({ state: "hidden" });
  await expect.poll(async () => (await kept(hosted)).length, PATIENCE).toBe(1);
  const [{ id } = { id: "" }] = await kept(hosted);
  await hosted.drawn(STEPS, [id]);
  // The compiler came with the first chart that needs it.
  expect(loaded.filter(url => url.endsWith("/compiler.js"))).toHaveLength(1);
  expect(await page.locator(":focus").getAttribute("aria-label")).toBe("Loss by norm");
  const card = page.locator(`[data-chart=${id}]`);
  expect(await card.locator(".own-count").textContent()).toBe("1\u202f204 steps");
  await card.screenshot({ path: join(PICTURES, "own.png") });

  // By its key, into another.
  await page.keyboard.press("e");
  const edited = dialogOf(page);
  expect(await edited.area.inputValue()).toBe(SCATTER);
  await edited.area.fill(SCATTER.replace("Loss by norm", "Loss and norm"));
  await page.keyboard.press("Control+Enter");
  const changed = page.getByRole("group", { name: "Loss and norm" });
  await changed.waitFor();
  await hosted.drawn(STEPS, [id]);
  await page.getByRole("button", { name: "Loss and norm: show as table" }).click();
  expect(await card.getByRole("columnheader").allTextContents()).toEqual([
    ...["Step", "Epoch", "Time"],
    ...["loss", "gradNorm", "tensor/stepSizeP50"],
  ]);

  await changed.focus();
  await page.keyboard.press("Shift+Delete");
  await changed.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo" }).click();
  await changed.waitFor();
  await hosted.drawn(STEPS, [id]);

  // Another page of the workspace begins with it.
  const { posts } = await hosted.watched();
  const view = posts.map(parsePageMessage).findLast(message => message?.type === "keepView");
  await hosted.expectClean();
  await page.close();
  const next = await open({ view: view?.type === "keepView" ? view.view : "" });
  await next.page.locator(`[data-chart=${id}]`).scrollIntoViewIfNeeded();
  await next.drawn(STEPS, [id]);
  await next.expectClean();
  await next.page.close();
});

test("what is wrong with a chart is said before it is kept", async () => {
  const hosted = await open();
  const { page } = hosted;
  const { area, said, root } = await newChart(hosted);
  const says = async (text: string, what: RegExp) => {
    await area.fill(text);
    await page.keyboard.press("Control+Enter");
    await expect.poll(() => said.textContent(), PATIENCE).toMatch(what);
  };
  await says('{"mark": ', /^This is not JSON: .*JSON/);
  await says("[]", /^A Vega-Lite specification is a JSON object/);
  await says("{}", /Invalid specification/);
  await says('{"mark":"lines","encoding":{}}', /^mark: there is no mark “lines”\. .* line, /);
  await says(
    '{"mark":"line","encoding":{"x":{"field":"step"},"y":{"field":"los"}}}',
    /^This run has no column “los”\.$/,
  );
  await says(
    '{"data":{"url":"https://example.org/a.json"},"mark":"line"}',
    /^data\.url: nothing is/,
  );
  await says('{"data":{"name":"other"},"mark":"line"}', /^data\.name: there is no data “other”/);
  await says('{"mark":{"type":"point","color":{"expr":"nothing(1)"}}}', /nothing/);
  await says(JSON.stringify({ title: "x".repeat(50_000) }), /are too many/);
  await page.screenshot({ path: join(PICTURES, "own-problem.png") });
  expect(await area.getAttribute("aria-invalid")).toBe("true");
  // What was written is there when the dialog is opened again.
  await page.keyboard.press("Escape");
  await root.waitFor({ state: "hidden" });
  const again = await newChart(hosted);
  expect(await again.area.inputValue()).toMatch(/^\{"title":"x/);
  // What Vega-Lite only warns of can be kept.
  await again.area.fill('{"mark":"point","encoding":{"x":{"field":"loss","type":"nonsense"}}}');
  await expect.poll(() => again.said.textContent(), PATIENCE).toMatch(/Invalid field type/);
  expect(await kept(hosted)).toEqual([]);
  // A name that is clicked is written.
  await again.area.fill("");
  await again.root.getByRole("button", { name: "stepToWeight", exact: true }).click();
  expect(await again.area.inputValue()).toBe("stepToWeight");
  await hosted.expectClean();
  await page.close();
});

test("a chart follows the run, the zoom and the theme, and says what a run does not have", async () => {
  const text = JSON.stringify({
    mark: "line",
    encoding: {
      x: { field: "step", type: "quantitative" },
      y: { field: "loss", type: "quantitative" },
      color: { value: "#12ab34" },
    },
  });
  const missing = JSON.stringify({
    title: "Validation",
    mark: "line",
    encoding: { y: { field: "val/loss" } },
  });
  const ownCharts = [
    { id: "own-a", text },
    { id: "own-b", text: missing },
  ];
  const hosted = await pages.open({ height: 3200, state: { ownCharts } });
  const { page } = hosted;
  await hosted.send(hydrate({ run: pageRun(), batches: [pageBatch(1, 3000)] }));
  await hosted.drawn(3000, ["own-a"]);
  const card = page.locator("[data-chart=own-a]");
  const count = () => card.locator(".own-count").textContent();
  expect(await count()).toMatch(/^1\u202f\d{3} of 3\u202f000 steps$/);
  const told = page.locator("[data-chart=own-b] .plot-waiting");
  expect(await told.textContent()).toBe("This run has no column “val/loss”.");
  await hosted.stream([pageBatch(3001, 500), pageBatch(3501, 500)]);
  await hosted.drawn(4000, ["own-a"]);
  await hosted.send({
    type: "metrics",
    metrics: [10, 20].map(step => ({ name: "val/loss", step, value: step, time: 0 })),
  });
  await hosted.drawn(4000, ["own-b"]);
  expect(await told.isHidden()).toBe(true);

  // All rows of the part that is looked at.
  await page.getByRole("slider", { name: "Loss by step" }).focus();
  await page.keyboard.press("+");
  await expect.poll(count, PATIENCE).toMatch(/^[12]\u202f\d{3} steps$/);
  await hosted.setTheme(light);
  await hosted.drawn(4000, ["own-a"]);
  await page.getByRole("button", { name: "Chart of your own: more" }).click();
  await page.getByRole("menuitem", { name: "Save as SVG…" }).click();
  const last = async () => parsePageMessage((await hosted.asked()).at(-1));
  await expect.poll(async () => (await last())?.type, PATIENCE).toBe("savePicture");
  const message = await last();
  const svg = message?.type === "savePicture" ? new TextDecoder().decode(message.bytes) : "";
  expect(svg).toContain('stroke="#12ab34"');
  expect(svg).toContain(`fill="${light.tokens.descriptionForeground}"`);
  await hosted.expectClean();
  await page.close();
});

test("axe finds no fault in charts of one's own and their dialog, in any theme", async () => {
  const hosted = await open({ state: { ownCharts: [{ id: "own-a", text: SCATTER }] } });
  const { page } = hosted;
  await hosted.page.locator("[data-chart=own-a]").scrollIntoViewIfNeeded();
  await hosted.drawn(STEPS, ["own-a"]);
  const dialog = await newChart(hosted);
  await dialog.area.fill("{");
  await expect.poll(() => dialog.said.textContent(), PATIENCE).toMatch(/JSON/);
  await page.evaluate(axe.source);
  const found: string[] = [];
  const look = async (where: string) => {
    const { violations } = await page.evaluate<axe.AxeResults>(
      "axe.run(document, { preload: false, resultTypes: ['violations'] })",
    );
    found.push(
      ...violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${where}: ${id}: ${html}`)),
    );
  };
  for (const theme of THEMES) {
    await hosted.setTheme(theme);
    await look(`dialog, ${theme.name}`);
    await page.screenshot({ path: join(PICTURES, `own-dialog-${theme.name}.png`) });
  }
  await page.keyboard.press("Escape");
  await look("chart");
  expect(found).toEqual([]);
  await page.setViewportSize({ width: 400, height: 900 });
  const { area, said } = await newChart(hosted);
  await area.fill("{");
  await expect.poll(() => said.textContent(), PATIENCE).toMatch(/JSON/);
  // All of its lines have room above the columns.
  const hidden = await page.evaluate<number>(`(() => {
    const { scrollHeight, clientHeight } = document.querySelector(".spec-said");
    return scrollHeight - clientHeight;
  })()`);
  expect(hidden).toBe(0);
  await page.screenshot({ path: join(PICTURES, "own-dialog-400.png") });
  await hosted.expectClean();
  await page.close();
});
