/** Made by the build from charts/specs.ts: a chart, then the scales of its x and its y axis. */
declare module "vega-lite:charts" {
  import type { Spec } from "vega";

  type Scale = "linear" | "log";
  export const specs: Readonly<
    Record<`${"lines" | "band" | "stack" | "heatMap"}-${Scale}-${Scale}`, Spec>
  >;
}
