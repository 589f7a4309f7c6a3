/**
 * The charts, in Vega-Lite. The build compiles them to Vega (a scale's kind cannot change later,
 * so each exists twice); the page imports the result as `vega-lite:charts`. Data, domains, ticks
 * and colours come at run time, as data sets and signals.
 */
import type { TopLevelSpec } from "vega-lite";
import type { ScaleKind } from "../data/scale.ts";

/** Lines of one series or more: `raw` as measured, `smooth` above it. */
function lines(scale: ScaleKind): TopLevelSpec {
  const x = xOf("x");
  const y = yOf("y", scale);
  const encoding = { x, y, detail: { field: "slot" } };
  const color = { expr: "colors[datum.slot]" };
  const dash = { expr: "dashes[datum.slot]" };
  return {
    ...frame(),
    layer: [
      {
        data: { name: "raw" },
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
        data: { name: "smooth" },
        mark: { type: "line", strokeWidth: 2, strokeDash: dash, color, ...broken },
        encoding,
      },
      edgeMarks(),
    ],
  };
}

/** A median in the band of its 5th and 95th percentile. */
function band(scale: ScaleKind): TopLevelSpec {
  const x = xOf("x");
  return {
    ...frame(),
    layer: [
      {
        data: { name: "band" },
        mark: {
          type: "area",
          fill: { expr: "accent" },
          fillOpacity: { expr: "bandOpacity" },
          stroke: { expr: "accent" },
          strokeOpacity: 0.6,
          strokeWidth: 1,
          opacity: 1,
          clip: true,
          ...broken,
        },
        encoding: { x, y: yOf("low", scale), y2: { field: "high" } },
      },
      {
        data: { name: "band" },
        mark: { type: "line", color: { expr: "accent" }, strokeWidth: 2, ...broken },
        encoding: { x, y: yOf("mid", scale) },
      },
      edgeMarks(),
    ],
  };
}

/** A line stops at a value that cannot be drawn. Points come in order: nothing to sort. */
const broken = { invalid: "break-paths-show-path-domains", order: false } as const;

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
      { name: "yTicks", value: [] },
      { name: "axisTitle", value: "" },
      { name: "colors", value: [] },
      { name: "dashes", value: [] },
      { name: "accent", value: "" },
      { name: "alarm", value: "" },
      { name: "rawOpacity", value: 1 },
      { name: "rawWidth", value: 1 },
      { name: "rawDashed", value: false },
      { name: "bandOpacity", value: 0.2 },
    ],
  };
}

function xOf(field: string) {
  return {
    field,
    type: "quantitative" as const,
    scale: { domain: { expr: "xDomain" }, nice: false, zero: false },
    axis: {
      values: { expr: "xTicks" },
      format: ",d",
      labelExpr: "replace(datum.label, /,/g, '\u202f')",
      grid: false,
      title: "step",
      titleAnchor: "start" as const,
      titleAlign: "right" as const,
      titleBaseline: "top" as const,
      titleX: -8,
      titleY: 10,
    },
  };
}

/** Powers of ten where a number is far from one: `1e-4`, `2e4`. */
const VALUE_LABEL =
  "datum.value !== 0 && (abs(datum.value) < 1e-3 || abs(datum.value) >= 1e4) " +
  "? replace(format(datum.value, '~e'), '+', '') : datum.label";

function yOf(field: string, scale: ScaleKind) {
  const domain = { expr: "yDomain" };
  return {
    field,
    type: "quantitative" as const,
    scale:
      scale === "log" ? { type: scale, domain, nice: false } : { domain, nice: false, zero: false },
    axis: {
      values: { expr: "yTicks" },
      format: ".6~g",
      labelExpr: VALUE_LABEL,
      domain: false,
      ticks: false,
      title: { signal: "axisTitle" },
      titleAngle: 0,
      titleAlign: "left" as const,
      titleAnchor: "end" as const,
      titleBaseline: "bottom" as const,
      titleX: -52,
      titleY: -8,
    },
  };
}

/** Triangles at the upper and lower edge for NaN, ±∞ and what a logarithm does not have. */
function edgeMarks() {
  return {
    data: { name: "marks" },
    mark: {
      type: "point" as const,
      filled: true,
      size: 45,
      opacity: 1,
      color: { expr: "alarm" },
      shape: { expr: "datum.top ? 'triangle-up' : 'triangle-down'" },
      y: { expr: "datum.top ? 5 : height - 5" },
    },
    encoding: { x: xOf("x") },
  };
}

export const specs = {
  "lines-linear": lines("linear"),
  "lines-log": lines("log"),
  "band-linear": band("linear"),
  "band-log": band("log"),
} satisfies Record<string, TopLevelSpec>;
