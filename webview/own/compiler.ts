/** Vega-Lite's compiler, in a file of its own that the page loads when there is a chart to compile. */
import type { LoggerInterface, Spec } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

/**
 * Compiles a specification to Vega. `config` gives way to that of the specification; `logger` hears what
 * Vega-Lite complains of.
 *
 * @throws Error of Vega-Lite, if it is none
 */
export function compileChart(spec: object, config: object, logger: LoggerInterface): Spec {
  // It was read as JSON: Vega-Lite says what of it is none of its own.
  return compile(spec as TopLevelSpec, { logger, config }).spec;
}
