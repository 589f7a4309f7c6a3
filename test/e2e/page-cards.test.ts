/** What a user does with the charts of the page beside reading them. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parsePageMessage } from "../../runtime/page/pageMessages.ts";
import { THEMES } from "../../webview/themes.ts";
import { type Browser, launchBrowser } from "../host/chromium.ts";
import { HostedPage, type PageOptions, servePage } from "./page-host.ts";
import { hydrate, STEPS } from "./page-run.ts";

const PICTURES = join(import.meta.dirname, "../../artifacts/page");
const [dark, light, highContrast] = THEMES as [
  (typeof THEMES)[number],
  (typeof THEMES)[number],
  (typeof THEMES)[number],
];

/** A browser draws when it comes to it. */
const PATIENCE = { timeout: 20_000 };

let browser: Browser;
let server: Awaited<ReturnType<typeof servePage>>;

beforeAll(async () => {
  await mkdir(PICTURES, { recursive: true });
  server = await servePage();
  browser = await launchBrowser({ scale: 1 });
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

async function open(options: Partial<PageOptions> = {}): Promise<HostedPage> {
  const hosted = await HostedPage.open(browser.context, server.url, {
    theme: dark,
    width: 900,
    height: 1180,
    ...options,
  });
  await hosted.send(hydrate());
  await hosted.drawn(STEPS, ["loss"]);
  return hosted;
}

/** The last picture that the page gave its host to save. */
async function saved(hosted: HostedPage) {
  const last = async () => parsePageMessage((await hosted.watched()).posts.at(-1));
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
    for (const text of ["Gradient norm", "all parameters", "0.weight", "‖g‖₂", "step", ">500<"]) {
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
  await browser.context.grantPermissions(["clipboard-read", "clipboard-write"]);
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
