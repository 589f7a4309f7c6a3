/**
 * Pictures of the loss around a held loop: the loss over one number, in Vega-Lite, and over two, in Vega,
 * since Vega-Lite has no filled contours. The build compiles them with the charts.
 */
import type { Axis, AxisOrient, Spec } from "vega";
import type { TopLevelSpec } from "vega-lite";
import { scaleOf, VALUE_LABEL, yOf } from "../charts/specs.ts";
import type { ScaleKind } from "../data/scale.ts";

/** What the page sets. */
const SIGNALS = [
  { name: "xDomain", value: [0, 1] },
  { name: "yDomain", value: [0.1, 1] },
  { name: "xTicks", value: [] },
  { name: "yTicks", value: [] },
  { name: "xTitle", value: "" },
  { name: "yTitle", value: "" },
  { name: "accent", value: "" },
  { name: "second", value: "" },
  { name: "ink", value: "" },
  { name: "quiet", value: "" },
  { name: "paper", value: "" },
];

const X_TITLE = {
  titleAnchor: "end",
  titleAlign: "right",
  titleBaseline: "top",
  titleY: 22,
} as const;

const Y_TITLE = {
  titleAngle: 0,
  titleAlign: "left",
  titleAnchor: "end",
  titleBaseline: "bottom",
  titleX: -52,
  titleY: -8,
} as const;

const FRAME = { width: 300, height: 160, autosize: "none", background: "transparent" } as const;

/** As it is, with a gap where there is no value. */
const BROKEN = { invalid: "break-paths-show-path-domains", order: false, clip: true } as const;

/** The axis of the one number, and that of the loss. */
function axes(yScale: ScaleKind) {
  const x = {
    field: "x",
    type: "quantitative" as const,
    scale: scaleOf("linear", { expr: "xDomain" }),
    axis: {
      values: { expr: "xTicks" },
      labelExpr: VALUE_LABEL,
      grid: false,
      title: { signal: "xTitle" },
      ...X_TITLE,
    },
  };
  return { x, y: yOf("y", yScale, { title: { signal: "yTitle" }, ...Y_TITLE }) };
}

/** The loss over the steps of branches, with the look of a line for each. */
function branches(yScale: ScaleKind): TopLevelSpec {
  const color = { expr: "colors[datum.slot]" };
  return {
    ...FRAME,
    params: [...SIGNALS, ...["colors", "dashes"].map(name => ({ name, value: [] }))],
    data: { name: "points" },
    mark: {
      type: "line",
      strokeWidth: 2,
      strokeDash: { expr: "dashes[datum.slot]" },
      color,
      point: { filled: true, size: { expr: "datum.size" }, color, opacity: 1 },
      ...BROKEN,
    },
    encoding: { ...axes(yScale), detail: { field: "slot" } },
  };
}

/** The loss over one number, its tangent where the update began, and places on it. */
function line(yScale: ScaleKind): TopLevelSpec {
  const { x, y } = axes(yScale);
  return {
    ...FRAME,
    params: SIGNALS,
    layer: [
      {
        data: { name: "curve" },
        mark: { type: "line", strokeWidth: 2, color: { expr: "accent" }, ...BROKEN },
        encoding: { x, y },
      },
      {
        data: { name: "tangent" },
        mark: {
          type: "line",
          strokeWidth: 1.5,
          strokeDash: [6, 3],
          color: { expr: "second" },
          ...BROKEN,
        },
        encoding: { x, y },
      },
      {
        data: { name: "path" },
        mark: {
          type: "line",
          strokeWidth: 1,
          opacity: 0.6,
          color: { expr: "ink" },
          point: { filled: true, size: 22, color: { expr: "ink" }, opacity: 0.8 },
          ...BROKEN,
        },
        encoding: { x, y },
      },
      {
        data: { name: "marks" },
        mark: {
          type: "point",
          size: { expr: "datum.size" },
          opacity: 1,
          strokeWidth: 1.5,
          clip: true,
          stroke: { expr: "datum.tangent ? second : ink" },
          fill: { expr: "datum.filled ? (datum.tangent ? second : ink) : paper" },
        },
        encoding: { x, y },
      },
      {
        data: { name: "marks" },
        mark: {
          type: "text",
          // What is predicted stands below and before its place: the curve and the tangent pass above.
          dx: { expr: "datum.tangent ? -7 : 0" },
          dy: { expr: "datum.tangent ? 9 : -11" },
          align: { expr: "datum.tangent ? 'right' : 'center'" },
          fontSize: 11,
          clip: true,
          color: { expr: "datum.tangent ? second : ink" },
        },
        encoding: { x, y, text: { field: "label", type: "nominal" } },
      },
    ],
  };
}

const axis = (scale: string, orient: AxisOrient, title: string, placed: object): Axis => ({
  scale,
  orient,
  grid: false,
  values: { signal: `${scale}Ticks` },
  encode: { labels: { update: { text: { signal: VALUE_LABEL } } } },
  title: { signal: title },
  ...placed,
});

/** At a row's place. */
const AT = { x: { scale: "x", field: "x" }, y: { scale: "y", field: "y" } } as const;

/** Filled contours, the higher the denser, with the way above them. */
const surface: Spec = {
  $schema: "https://vega.github.io/schema/vega/v6.json",
  ...FRAME,
  signals: [...SIGNALS, { name: "levels", value: [] }, { name: "fillOpacity", value: 0.08 }],
  data: [
    { name: "grid" },
    {
      name: "contours",
      source: "grid",
      // The grid itself says where it lies in the plot.
      transform: [{ type: "isocontour", thresholds: { signal: "levels" } }],
    },
    { name: "path" },
    { name: "marks" },
  ],
  scales: [
    { name: "x", type: "linear", domain: { signal: "xDomain" }, range: "width", zero: false },
    { name: "y", type: "linear", domain: { signal: "yDomain" }, range: "height", zero: false },
  ],
  axes: [axis("x", "bottom", "xTitle", X_TITLE), axis("y", "left", "yTitle", Y_TITLE)],
  marks: [
    {
      type: "group",
      clip: true,
      encode: { update: { width: { signal: "width" }, height: { signal: "height" } } },
      marks: [
        {
          type: "path",
          from: { data: "contours" },
          encode: {
            update: {
              fill: { signal: "accent" },
              fillOpacity: { signal: "fillOpacity" },
              stroke: { signal: "accent" },
              strokeOpacity: { value: 0.5 },
              strokeWidth: { value: 0.75 },
            },
          },
          transform: [{ type: "geopath", field: "datum.contour" }],
        },
        {
          type: "line",
          from: { data: "path" },
          encode: {
            update: {
              ...AT,
              stroke: { signal: "ink" },
              strokeWidth: { value: 1.25 },
            },
          },
        },
        {
          type: "symbol",
          from: { data: "path" },
          encode: {
            update: {
              ...AT,
              size: { value: 20 },
              fill: { signal: "ink" },
            },
          },
        },
        {
          type: "symbol",
          from: { data: "marks" },
          encode: {
            update: {
              ...AT,
              size: { value: 90 },
              fill: { signal: "second" },
              stroke: { signal: "paper" },
              strokeWidth: { value: 1.5 },
            },
          },
        },
      ],
    },
  ],
};

export const specs = {
  "picture-line-linear": line("linear"),
  "picture-line-log": line("log"),
  "picture-branches-linear": branches("linear"),
  "picture-branches-log": branches("log"),
} satisfies Record<string, TopLevelSpec>;

/** Compiled already. */
export const vegaSpecs = { "picture-surface": surface } satisfies Record<string, Spec>;
