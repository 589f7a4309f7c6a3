/**
 * Hosts the built page as VS Code does, in a real browser: the extension's own HTML with its CSP,
 * files from a server, tokens and `acquireVsCodeApi` set by a script that runs before the page's.
 */
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { pageHtml } from "../../runtime/page/html.ts";
import type { Branches } from "../../runtime/protocol/branch.ts";
import type { FromPageMessage, ToPageMessage } from "../../runtime/protocol/page.ts";
import type { Picture } from "../../runtime/protocol/picture.ts";
import type { StepBatch, StepCurves } from "../../runtime/protocol/steps.ts";
import { dark, type PageTheme } from "../../webview/themes.ts";
import { type Browser, launchBrowser } from "../host/chromium.ts";

const BUILT = join(import.meta.dirname, "../../dist/webview");
/** Where screenshots go. */
export const PICTURES = join(import.meta.dirname, "../../artifacts/page");
export const CHARTS = ["loss", "gradNorm", "effectiveLr", "stepSize", "lr"];
const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript",
  css: "text/css",
  ttf: "font/ttf",
  map: "application/json",
};

/** Serves dist/webview and the page at `/`, or at `/?view=VIEW` with what an earlier page let it keep. */
async function servePage(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(async (request, response) => {
    const name = (request.url ?? "/").slice(1).split("?")[0] ?? "";
    try {
      if (name === "") {
        response.setHeader("content-type", "text/html");
        const url = new URL(request.url ?? "", `http://${request.headers.host}`);
        response.end(html(url.origin, url.searchParams.get("view") ?? undefined));
      } else if (/^[\w.-]+$/.test(name)) {
        response.setHeader("content-type", TYPES[name.split(".").pop() ?? ""] ?? "");
        response.end(await readFile(join(BUILT, name)));
      } else response.writeHead(404).end();
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

function html(origin: string, view: string | undefined): string {
  const scripts = [`${origin}/panel.js`];
  const styles = [`${origin}/panel.css`];
  return pageHtml({ cspSource: origin, scripts, styles, language: "en", view });
}

/** Classes of the icons that nothing is drawn for. */
const ICONS_WITHOUT_CHARACTER = `[...document.querySelectorAll(".codicon")]
  .filter(icon => !/^"."$/u.test(getComputedStyle(icon, "::before").content))
  .map(icon => icon.className)`;

/** What page-preload.js keeps, in the page. */
interface Hosting {
  readonly posts: readonly FromPageMessage[];
  readonly violations: readonly string[];
  /** Redraws of the loss. */
  readonly redraws: number;
  readonly state: unknown;
  setTheme(theme: PageTheme): void;
  send(message: object): void;
  painted(asked: { readonly chart: string; readonly token: string }): number;
  faint(asked: { readonly chart: string; readonly token: string }): readonly number[] | undefined;
  stream(batches: readonly unknown[], step: number): Promise<number>;
  drawn(awaited: { readonly charts: readonly string[]; readonly step: number }): boolean;
}

declare const hosting: Hosting;

export interface PageOptions {
  readonly theme: PageTheme;
  readonly width: number;
  readonly height: number;
  /** What VS Code kept of the page before. */
  readonly state?: unknown;
  /** The page hears late, and of several changes at once, what can be seen of it. */
  readonly busy?: boolean;
}

/** A browser and a server for the tests of a file. `scale`: device pixels of a CSS pixel. */
export function usePages(scale: number) {
  let browser: Browser;
  let server: Awaited<ReturnType<typeof servePage>>;
  beforeAll(async () => {
    await mkdir(PICTURES, { recursive: true });
    server = await servePage();
    browser = await launchBrowser({ scale });
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });
  return {
    context: () => browser.context,
    /** Opens a page. `view`: what an earlier one let its host keep. */
    open: ({ view, ...options }: Partial<PageOptions> & { readonly view?: string } = {}) =>
      HostedPage.open(
        browser.context,
        view === undefined ? server.url : `${server.url}?view=${encodeURIComponent(view)}`,
        { theme: dark, width: 900, height: 1180, ...options },
      ),
  };
}

/** The page, and what its host and a user do with it. */
export class HostedPage {
  readonly page: Page;
  readonly problems: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on("console", message => {
      if (["error", "warning"].includes(message.type())) this.problems.push(message.text());
    });
    page.on("pageerror", error => this.problems.push(String(error)));
    page.on("requestfailed", request => this.problems.push(`${request.url()} failed`));
  }

  static async open(context: BrowserContext, url: string, options: PageOptions) {
    const page = await context.newPage();
    const hosted = new HostedPage(page);
    await page.setViewportSize({ width: options.width, height: options.height });
    const pageOptions = JSON.stringify(options);
    await page.addInitScript({ content: `globalThis.pageOptions = ${pageOptions};` });
    await page.addInitScript({ path: join(import.meta.dirname, "page-preload.js") });
    await page.goto(url);
    await page.waitForFunction(() => hosting.posts.some(({ type }) => type === "ready"));
    return hosted;
  }

  async send(message: ToPageMessage): Promise<void> {
    const { batches, batch, curves, ...rest } = message as ToPageMessage & {
      readonly batches?: readonly StepBatch[];
      readonly batch?: StepBatch;
      readonly curves?: StepCurves;
      readonly picture?: Picture;
      readonly branches?: Branches;
    };
    const sent = {
      json: JSON.stringify(rest),
      batches: batches?.map(plain),
      batch: batch && plain(batch),
      numbers: rest.picture && numbersOf(rest.picture),
      losses: rest.branches?.branches.map(({ losses }) => encode(losses)),
      curves: curves && {
        ...curves,
        columns: Object.entries(curves.columns).map(([name, column]) => [name, encode(column)]),
        lr: encode(curves.lr),
      },
    };
    await this.page.evaluate(given => hosting.send(given), sent);
  }

  /** Streams the batches, one a frame; milliseconds until the last was drawn. */
  stream(batches: readonly StepBatch[]): Promise<number> {
    const last = batches.at(-1);
    const given = {
      batches: batches.map(plain),
      step: last ? last.firstStep + last.count - 1 : 0,
    };
    return this.page.evaluate(({ batches, step }) => hosting.stream(batches, step), given);
  }

  /** Number of pixels of a chart that have about the colour of a token. */
  painted(chart: string, token: string): Promise<number> {
    return this.page.evaluate(asked => hosting.painted(asked), { chart, token });
  }

  /** Where a chart has the colour of a token faintly: from and to which share of its width; undefined for nowhere. */
  faint(chart: string, token: string): Promise<readonly number[] | undefined> {
    return this.page.evaluate(asked => hosting.faint(asked), { chart, token });
  }

  /** Waits until the charts show the step. */
  async drawn(step: number, charts: readonly string[] = CHARTS): Promise<void> {
    await this.page.waitForFunction(awaited => hosting.drawn(awaited), { charts, step });
  }

  async value(chart: string): Promise<number> {
    return Number(await this.page.getAttribute(`[data-chart=${chart}]`, "data-last-value"));
  }

  async setTheme(theme: PageTheme): Promise<void> {
    await this.page.evaluate(given => hosting.setTheme(given), theme);
  }

  /** Nothing was refused by the CSP, nothing went wrong, and each icon is one of those in the page's font. */
  async expectClean(): Promise<void> {
    expect((await this.watched()).violations).toEqual([]);
    expect(await this.page.evaluate(ICONS_WITHOUT_CHARACTER)).toEqual([]);
    expect(this.problems).toEqual([]);
  }

  /** What its user asked for since the page was there. */
  async asked(): Promise<FromPageMessage[]> {
    const { posts } = await this.watched();
    const ofItself = ["ready", "keepView", "histograms"];
    return posts.filter(({ type }) => !ofItself.includes(type));
  }

  /** What was posted, kept, drawn and refused until now. */
  watched() {
    return this.page.evaluate(() => {
      const { posts, violations, redraws, state } = hosting;
      return { posts, violations, redraws, state };
    });
  }
}

/** The columns of a picture, which JSON does not have. */
function numbersOf(picture: Picture) {
  const parts = Object.entries({ line: picture.line, surface: picture.surface });
  return Object.fromEntries(
    parts.flatMap(([name, part]) => {
      const columns = Object.entries(part ?? {}).filter(
        ([, value]) => value instanceof Float64Array,
      );
      return part
        ? [[name, Object.fromEntries(columns.map(([key, value]) => [key, encode(value)]))]]
        : [];
    }),
  );
}

function plain(batch: StepBatch) {
  const { steps, lr, tensors, ...counts } = batch;
  return { ...counts, steps: encode(steps), lr: encode(lr), tensors: encode(tensors) };
}

/** Doubles as a text: numbers of an array take Playwright longer than the page takes to draw them. */
function encode(values: Iterable<number>): string {
  return Buffer.from(Float64Array.from(values).buffer).toString("base64");
}
