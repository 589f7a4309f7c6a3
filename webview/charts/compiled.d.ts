/** Made by the build from charts/specs.ts. */
declare module "vega-lite:charts" {
  import type { Spec } from "vega";

  export const specs: Readonly<
    Record<"lines-linear" | "lines-log" | "band-linear" | "band-log", Spec>
  >;
}
