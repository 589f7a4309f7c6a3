import { specs } from "vega-lite:charts";
import { parse, type Spec, View } from "vega";
import { expressionClosures } from "../charts/expressions.ts";
import { PADDING as CHART_PADDING } from "../charts/vegaChart.ts";
import { linearTicks, logTicks, type Range, type ScaleKind, stepTicks } from "../data/scale.ts";
import { SLOT_DASHES } from "../slots.ts";
import { type Theme, vegaConfig } from "../theme.ts";
import type { BranchModel } from "./branchModel.ts";
import type { LineModel, SurfaceModel } from "./pictureModel.ts";

/** As that of the charts, with a line for the title of the x axis, which is not the same for all. */
export const PADDING = { ...CHART_PADDING, bottom: 42 };

/** CSS pixels of an axis for one tick. */
const X_TICK = 64;
const Y_TICK = 28;

/** What a picture is drawn into. */
export interface Frame {
  readonly container: HTMLElement;
  /** Of the whole chart, in CSS pixels. */
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
  /** What lies behind the plot. */
  readonly paper: string;
}

/** Draws the loss over one number. Returns what takes the drawing away. */
export async function drawLineModel(
  model: LineModel,
  scale: ScaleKind,
  frame: Frame,
): Promise<() => void> {
  const view = viewOf(specs[`picture-line-${scale}`], frame);
  const { curve, tangent, path, marks } = model;
  for (const [name, rows] of Object.entries({ curve, tangent, path, marks })) {
    view.insert(name, [...rows]);
  }
  setAxes(view, model, lossTicks(view, model, scale));
  view.signal("xTitle", model.xTitle).signal("yTitle", model.yTitle);
  await view.runAsync();
  return () => view.finalize();
}

/** Draws the loss over the steps of branches. Returns what takes the drawing away. */
export async function drawBranchModel(
  model: BranchModel,
  scale: ScaleKind,
  frame: Frame,
): Promise<() => void> {
  const view = viewOf(specs[`picture-branches-${scale}`], frame);
  view.insert("points", [...model.points]);
  view.signal("colors", frame.theme.series).signal("dashes", SLOT_DASHES);
  setAxes(view, model, lossTicks(view, model, scale));
  view.signal("xTicks", stepTicks(model.xDomain, Math.floor(view.width() / X_TICK)));
  view.signal("xTitle", "step").signal("yTitle", "loss");
  await view.runAsync();
  return () => view.finalize();
}

/** Draws the loss over two numbers. Returns what takes the drawing away. */
export async function drawSurfaceModel(
  model: SurfaceModel,
  [xTitle, yTitle]: readonly [string, string],
  frame: Frame,
): Promise<() => void> {
  const view = viewOf(specs["picture-surface"], frame);
  const { grid, levels, path } = model;
  const [width, height] = [view.width(), view.height()];
  // Values stand in the middle of their cells.
  const scale = [width / (grid.width - 1), -height / (grid.height - 1)];
  view.insert("grid", [{ ...grid, scale, translate: [0, height], x1: 0.5, y1: 0.5 }]);
  view.insert("path", [...path]).insert("marks", path.slice(-1));
  setAxes(view, model, linearTicks(model.yDomain, Math.floor(height / Y_TICK)));
  view.signal("xTitle", xTitle).signal("yTitle", yTitle).signal("levels", levels);
  view.signal("fillOpacity", frame.theme.highContrast ? 0.12 : 0.08);
  await view.runAsync();
  return () => view.finalize();
}

function viewOf(spec: Spec, { container, width, height, theme, paper }: Frame): View {
  const runtime = parse({ ...spec, padding: PADDING }, vegaConfig(theme), { ast: true });
  return new View(runtime, {
    expr: expressionClosures,
    renderer: "canvas",
    container,
    hover: false,
  })
    .width(Math.max(1, width - PADDING.left - PADDING.right))
    .height(Math.max(1, height - PADDING.top - PADDING.bottom))
    .signal("accent", theme.series[0])
    .signal("second", theme.series[1])
    .signal("ink", theme.foreground)
    .signal("quiet", theme.muted)
    .signal("paper", paper);
}

function lossTicks(view: View, { yDomain }: { readonly yDomain: Range }, scale: ScaleKind) {
  const ticks = scale === "log" ? logTicks : linearTicks;
  return ticks(yDomain, Math.floor(view.height() / Y_TICK));
}

function setAxes(
  view: View,
  { xDomain, yDomain }: { readonly xDomain: Range; readonly yDomain: Range },
  yTicks: readonly number[],
): void {
  view
    .signal("xDomain", xDomain)
    .signal("yDomain", yDomain)
    .signal("xTicks", linearTicks(xDomain, Math.floor(view.width() / X_TICK)))
    .signal("yTicks", yTicks);
}
