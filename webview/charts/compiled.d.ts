/**
 * Made by the build from charts/specs.ts (a chart, then the scales of its x and its y axis) and from
 * picture/specs.ts.
 */
declare module "vega-lite:charts" {
  import type { Spec } from "vega";

  type Scale = "linear" | "log";
  type Chart = `${"lines" | "band" | "stack" | "heatMap" | "histogram"}-${Scale}-${Scale}`;
  type Picture = `picture-${"line" | "branches"}-${Scale}` | "picture-surface";
  export const specs: Readonly<Record<Chart | Picture, Spec>>;
}
