import { type Loader, type LoggerInterface, parse, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { touched } from "../charts/vegaChart.ts";
import { DASHES } from "../slots.ts";
import { type Theme, vegaConfig } from "../theme.ts";
import type { OwnRow } from "./rows.ts";
import { type OwnSpec, RUN_DATA } from "./spec.ts";

/** Nothing is fetched, and no link opened. */
const NOTHING = { load: refuse, sanitize: refuse, http: refuse, file: refuse } as unknown as Loader;

async function refuse(address: unknown): Promise<never> {
  throw new Error(`Nothing is fetched: ${address}`);
}

/** A chart of the user's own, drawn by Vega; compiled when it is made. */
export class OwnDrawing {
  /** What Vega-Lite and Vega say of the specification. */
  readonly complaints: readonly string[];
  private readonly view: View;
  private readonly drawsRun: boolean;
  private readonly fits: boolean;

  private constructor(view: View, drawsRun: boolean, fits: boolean, complaints: readonly string[]) {
    this.view = view;
    this.drawsRun = drawsRun;
    this.fits = fits;
    this.complaints = complaints;
  }

  /**
   * Compiles and draws it. Without container nothing is seen of it.
   *
   * @throws Error of Vega-Lite or Vega, if it cannot be drawn
   */
  static async make(
    { spec }: OwnSpec,
    rows: readonly OwnRow[],
    theme: Theme,
    size: { readonly width: number; readonly height: number },
    container?: HTMLElement,
  ): Promise<OwnDrawing> {
    // The compiler is as large as half of the page, and not every page has such a chart.
    const { compileChart } = await import("./compiler.ts");
    const fits = !["hconcat", "vconcat", "concat", "facet", "repeat", "spec"].some(
      key => key in spec,
    );
    const sized = fits
      ? { ...spec, ...size, autosize: { type: "fit", contains: "padding" } }
      : spec;
    const said: string[] = [];
    const logger = loggerInto(said);
    const vega = compileChart(sized, configOf(theme), logger);
    const run = vega.data?.find(({ name }) => name === RUN_DATA);
    // Rows that are not in use.
    if (run) run.transform = [{ type: "filter", expr: "datum.step !== null" }];
    const view = new View(parse(vega, {}, { ast: true }), {
      expr: expressionInterpreter,
      loader: NOTHING,
      logger,
      renderer: container ? "canvas" : "none",
      ...(container ? { container } : {}),
      hover: container !== undefined,
    });
    // Facets keep what they have drawn of rows that are gone.
    (view as View & { cleanThreshold: number }).cleanThreshold = 256;
    if (run) view.insert(RUN_DATA, rows as object[]);
    await view.runAsync();
    return new OwnDrawing(view, run !== undefined, fits, said);
  }

  /** The size of all of it, in CSS pixels. One of several views has its own. */
  resize(width: number, height: number): void {
    if (this.fits) this.view.width(width).height(height);
  }

  /** Draws the rows as they are now. */
  async draw(): Promise<void> {
    if (this.drawsRun) this.view.change(RUN_DATA, touched());
    await this.view.runAsync();
  }

  /** The drawing as it is now, an SVG document. */
  toSvg(): Promise<string> {
    return this.view.toSVG();
  }

  dispose(): void {
    this.view.finalize();
  }
}

/** A logger that keeps what is wrong. */
function loggerInto(said: string[]): LoggerInterface {
  const note = (...message: readonly unknown[]) => {
    said.push(message.map(part => (part instanceof Error ? part.message : String(part))).join(" "));
    return logger;
  };
  const ignore = () => logger;
  const logger = { level: ignore, error: note, warn: note, info: ignore, debug: ignore };
  return logger as unknown as LoggerInterface;
}

/** The page's look for what a specification does not say itself. */
function configOf(theme: Theme): object {
  const text = { labelColor: theme.muted, titleColor: theme.muted };
  return {
    ...vegaConfig(theme),
    aria: false,
    background: "transparent",
    numberFormat: ".4~g",
    view: { stroke: "transparent" },
    mark: { color: theme.series[0] },
    text: { color: theme.foreground },
    rule: { color: theme.muted },
    legend: { ...text, labelFont: theme.fontFamily, titleFont: theme.fontFamily },
    header: text,
    title: { color: theme.foreground, subtitleColor: theme.muted },
    range: {
      category: theme.series.slice(0, DASHES.length),
      ramp: { scheme: "viridis" },
      heatmap: { scheme: "viridis" },
    },
  };
}
