import { specs } from "vega-lite:charts";
import { type Changeset, changeset, parse, type Spec, View } from "vega";
import type { Range, ScaleKind } from "../data/scale.ts";
import { SLOT_DASHES } from "../slots.ts";
import { type Theme, vegaConfig } from "../theme.ts";
import { expressionClosures } from "./expressions.ts";
import type { ChartModel } from "./model.ts";

/** Room around the plot for axis labels, in CSS pixels. Fixed, so that all charts align. */
export const PADDING = { left: 52, top: 26, right: 14, bottom: 24 } as const;

export interface Scales {
  readonly x: ScaleKind;
  readonly y: ScaleKind;
}

export interface Axes {
  readonly xDomain: Range;
  readonly yDomain: Range;
  readonly xTicks: readonly number[];
  readonly xLabels: readonly string[];
  /** What the labels count. */
  readonly xTitle: string;
  readonly yTicks: readonly number[];
  /** Texts of the ticks of an axis of rows, and the tick that is chosen. */
  readonly yLabels: readonly string[];
  readonly yChosen: number;
  /** Room left of the plot, in CSS pixels. */
  readonly left: number;
}

/**
 * Data sets of lines and areas. Their points are moved where they are, and `turn`, of which their marks
 * know, says so: a change of the data would join each point with its mark and sort it to its line again.
 */
const MOVED = ["raw", "smooth", "spread", "band", "stack"];

/** Says that rows were changed in place; vega-typings do not know `reflow`. */
export function touched(): Changeset {
  return (changeset() as Changeset & { reflow(): Changeset }).reflow();
}

/** A Vega view of one chart. It evaluates expressions without generating code, as the CSP asks. */
export class VegaChart {
  private readonly view: View;
  private readonly names: readonly string[];
  /** The rows were inserted, but never drawn: a change would take the place of the insertion. */
  private fresh = true;
  private left: number = PADDING.left;
  private turn = 0;

  constructor(
    container: HTMLElement,
    model: ChartModel,
    scales: Scales,
    theme: Theme,
    axisTitle: string,
  ) {
    const spec: Spec = { ...specs[`${model.kind}-${scales.x}-${scales.y}`], padding: PADDING };
    const runtime = parse(spec, vegaConfig(theme), { ast: true });
    this.view = new View(runtime, {
      expr: expressionClosures,
      renderer: "canvas",
      container,
      hover: false,
    });
    this.names = Object.keys(model.dataSets);
    for (const [name, rows] of Object.entries(model.dataSets)) {
      this.view.insert(name, rows as object[]);
    }
    this.setStyle(model, theme, axisTitle);
  }

  /** Size of the whole chart, and the room left of its plot, in CSS pixels. */
  resize(width: number, height: number, left: number): void {
    if (left !== this.left) this.view.padding({ ...PADDING, left });
    this.left = left;
    this.view.width(Math.max(1, width - left - PADDING.right));
    this.view.height(Math.max(1, height - PADDING.top - PADDING.bottom));
  }

  /** Draws the data sets as they are now. */
  async draw(axes: Axes): Promise<void> {
    for (const [name, value] of Object.entries(axes)) this.view.signal(name, value);
    this.turn += 1;
    this.view.signal("turn", this.turn);
    if (!this.fresh) {
      for (const name of this.names) {
        if (!MOVED.includes(name)) this.view.change(name, touched());
      }
    }
    this.fresh = false;
    await this.view.runAsync();
  }

  /** The drawing as it is now, an SVG document. */
  toSvg(): Promise<string> {
    return this.view.toSVG();
  }

  dispose(): void {
    this.view.finalize();
  }

  private setStyle(model: ChartModel, theme: Theme, axisTitle: string): void {
    this.view
      .signal("axisTitle", axisTitle)
      .signal("colors", theme.series)
      .signal("dashes", SLOT_DASHES)
      .signal("accent", theme.series[0])
      .signal("alarm", theme.error)
      .signal("quiet", theme.muted)
      .signal("rawOpacity", model.smoothed ? (theme.highContrast ? 0.5 : 0.3) : 1)
      .signal("rawDashed", !model.smoothed)
      .signal("rawWidth", model.smoothed ? 1 : 1.5)
      .signal("bandOpacity", theme.highContrast ? 0.4 : 0.22);
  }
}
