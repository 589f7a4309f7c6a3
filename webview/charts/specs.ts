/**
 * The charts, in Vega-Lite. The build compiles them to Vega (a scale's kind cannot change later,
 * so each exists for all pairs of them); the page imports the result as `vega-lite:charts`. Data, domains, ticks
 * and colours come at run time, as data sets and signals.
 */
import type { TopLevelSpec } from "vega-lite";
import type { ScaleKind } from "../data/scale.ts";

/** Lines of one series or more: `raw` as measured, `smooth` above it. */
function lines(xScale: ScaleKind, yScale: ScaleKind): TopLevelSpec {
  const x = xOf(xScale);
  const y = yOf("y", yScale);
  const encoding = { x, y, detail: { field: "slot" } };
  const color = { expr: "colors[datum.slot]" };
  const dash = { expr: "dashes[datum.slot]" };
  return {
    ...frame(),
    layer: [
      {
        data: rowsOf("guides"),
        mark: {
          type: "rule",
          strokeDash: [2, 4],
          color: { expr: "quiet" },
          opacity: 1,
          clip: true,
        },
        encoding: { y },
      },
      {
        data: rowsOf("spread"),
        mark: {
          type: "area",
          fill: color,
          fillOpacity: { expr: "bandOpacity" },
          opacity: 1,
          ...broken,
        },
        encoding: { x, y: yOf("low", yScale), y2: { field: "high" }, detail: { field: "slot" } },
      },
      {
        data: rowsOf("raw"),
        mark: {
          type: "line",
          strokeWidth: { expr: "rawWidth" },
          opacity: { expr: "rawOpacity" },
          strokeDash: { expr: "rawDashed ? dashes[datum.slot] : dashes[0]" },
          color,
          ...broken,
        },
        encoding,
      },
      {
        data: rowsOf("smooth"),
        mark: { type: "line", strokeWidth: 2, strokeDash: dash, color, ...broken },
        encoding,
      },
      {
        data: rowsOf("lone"),
        mark: { type: "point", size: 60, filled: true, opacity: 1, color, clip: true },
        encoding,
      },
      edgeMarks(xScale),
    ],
  };
}

/** A median in the band of its 5th and 95th percentile. */
function band(xScale: ScaleKind, yScale: ScaleKind): TopLevelSpec {
  const x = xOf(xScale);
  return {
    ...frame(),
    layer: [
      {
        data: rowsOf("band"),
        mark: {
          type: "area",
          fill: { expr: "accent" },
          fillOpacity: { expr: "bandOpacity" },
          stroke: { expr: "accent" },
          strokeOpacity: 0.6,
          strokeWidth: 1,
          opacity: 1,
          ...broken,
        },
        encoding: { x, y: yOf("low", yScale), y2: { field: "high" } },
      },
      {
        data: rowsOf("band"),
        mark: { type: "line", color: { expr: "accent" }, strokeWidth: 2, ...broken },
        encoding: { x, y: yOf("mid", yScale) },
      },
      edgeMarks(xScale),
    ],
  };
}

/** Parts of a whole, one above the other. */
function stack(xScale: ScaleKind): TopLevelSpec {
  const color = { expr: "colors[datum.slot]" };
  return {
    ...frame(),
    layer: [
      {
        data: rowsOf("stack"),
        mark: {
          type: "area",
          fill: color,
          fillOpacity: { expr: "0.6 + bandOpacity" },
          stroke: color,
          strokeWidth: 1,
          opacity: 1,
          ...broken,
        },
        encoding: {
          x: xOf(xScale),
          y: yOf("low", "linear"),
          y2: { field: "high" },
          detail: { field: "slot" },
        },
      },
      edgeMarks(xScale),
    ],
  };
}

/**
 * A row for each tensor, painted as one picture over the whole of the rows; `yChosen` is the tick of
 * the row that is chosen.
 */
function heatMap(xScale: ScaleKind): TopLevelSpec {
  const y = yOf("y", "linear");
  const labelFontWeight = {
    condition: { test: "datum.value === yChosen", value: "bold" as const },
    value: "normal" as const,
  };
  const labelExpr = "yLabels[indexof(yTicks, datum.value)]";
  return {
    ...frame(),
    data: rowsOf("picture"),
    mark: { type: "image", clip: true, aspect: false, smooth: false },
    encoding: {
      x: xOf(xScale),
      x2: { field: "x2" },
      y: { ...y, axis: { ...y.axis, grid: false, labelExpr, labelFontWeight, labelLimit: 0 } },
      y2: { field: "y2" },
      url: { field: "image", type: "nominal" },
    },
  };
}

/** Cells of values and steps, painted as one picture over the whole of the plot. */
function histogram(xScale: ScaleKind): TopLevelSpec {
  return {
    ...frame(),
    data: rowsOf("picture"),
    mark: { type: "image", clip: true, aspect: false, smooth: false },
    encoding: {
      x: xOf(xScale),
      x2: { field: "x2" },
      y: yOf("y", "log"),
      y2: { field: "y2" },
      url: { field: "image", type: "nominal" },
    },
  };
}

/**
 * A line stops at a value that cannot be drawn, and at the edge of the plot. Points come in order:
 * nothing to sort.
 */
const broken = { invalid: "break-paths-show-path-domains", order: false, clip: true } as const;

/** A data set whose columns are numbers already: nothing is copied to make them such. */
function rowsOf(name: string) {
  return { name, format: { parse: null } };
}

function frame() {
  return {
    width: 300,
    height: 160,
    autosize: "none" as const,
    background: "transparent",
    params: [
      { name: "xDomain", value: [0, 1] },
      { name: "yDomain", value: [0.1, 1] },
      { name: "xTicks", value: [] },
      { name: "xLabels", value: [] },
      { name: "xTitle", value: "" },
      { name: "yTicks", value: [] },
      { name: "yLabels", value: [] },
      { name: "yChosen", value: -1 },
      { name: "turn", value: 0 },
      { name: "left", value: 52 },
      { name: "axisTitle", value: "" },
      { name: "colors", value: [] },
      { name: "dashes", value: [] },
      { name: "accent", value: "" },
      { name: "alarm", value: "" },
      { name: "quiet", value: "" },
      { name: "rawOpacity", value: 1 },
      { name: "rawWidth", value: 1 },
      { name: "rawDashed", value: false },
      { name: "bandOpacity", value: 0.2 },
    ],
  };
}

function xOf(kind: ScaleKind) {
  const domain = { expr: "xDomain" };
  return {
    field: "x",
    type: "quantitative" as const,
    scale: scaleOf(kind, domain),
    axis: {
      values: { expr: "xTicks" },
      labelExpr: "xLabels[indexof(xTicks, datum.value)]",
      grid: false,
      title: { signal: "xTitle" },
      titleAnchor: "start" as const,
      titleAlign: "right" as const,
      titleBaseline: "top" as const,
      titleX: -8,
      titleY: 10,
    },
  };
}

/** A scale of a given domain. */
export function scaleOf(type: ScaleKind, domain: { readonly expr: string }) {
  return type === "log" ? { type, domain, nice: false } : { domain, nice: false, zero: false };
}

/** Powers of ten where a number is far from one: `1e-4`, `2e4`. */
export const VALUE_LABEL =
  "datum.value !== 0 && (abs(datum.value) < 1e-3 || abs(datum.value) >= 1e4) " +
  "? replace(format(datum.value, '~e'), '+', '') : datum.label";

/** Above the axis, at the left edge of the chart. */
const Y_TITLE = {
  title: { signal: "axisTitle" },
  titleAngle: 0,
  titleAlign: "left",
  titleAnchor: "end",
  titleBaseline: "bottom",
  titleX: { expr: "-left" },
  titleY: -8,
} as const;

/** A y axis of values; `titled` takes the place of its title. */
export function yOf(field: string, kind: ScaleKind, titled: object = Y_TITLE) {
  return {
    field,
    type: "quantitative" as const,
    scale: scaleOf(kind, { expr: "yDomain" }),
    axis: {
      values: { expr: "yTicks" },
      format: ".6~g",
      labelExpr: VALUE_LABEL,
      domain: false,
      ticks: false,
      ...titled,
    },
  };
}

/**
 * Triangles at the upper and lower edge: for NaN, ±∞ and what a logarithm does not have, and hollow
 * ones for what lies outside of the axis.
 */
function edgeMarks(xScale: ScaleKind) {
  return {
    data: rowsOf("marks"),
    mark: {
      type: "point" as const,
      size: 45,
      opacity: 1,
      strokeWidth: 1,
      fill: { expr: "datum.outlier ? 'transparent' : alarm" },
      stroke: { expr: "datum.outlier ? quiet : alarm" },
      shape: { expr: "datum.top ? 'triangle-up' : 'triangle-down'" },
      y: { expr: "datum.top ? 5 : height - 5" },
    },
    encoding: { x: xOf(xScale) },
  };
}

export const specs = {
  "lines-linear-linear": lines("linear", "linear"),
  "lines-linear-log": lines("linear", "log"),
  "lines-log-linear": lines("log", "linear"),
  "lines-log-log": lines("log", "log"),
  "band-linear-linear": band("linear", "linear"),
  "band-linear-log": band("linear", "log"),
  "band-log-linear": band("log", "linear"),
  "band-log-log": band("log", "log"),
  "stack-linear-linear": stack("linear"),
  "stack-log-linear": stack("log"),
  "heatMap-linear-linear": heatMap("linear"),
  "heatMap-log-linear": heatMap("log"),
  "histogram-linear-log": histogram("linear"),
  "histogram-log-log": histogram("log"),
} satisfies Record<string, TopLevelSpec>;
