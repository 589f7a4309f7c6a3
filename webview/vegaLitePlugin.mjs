import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { compile } from "vega-lite";

/** Each exports charts in Vega-Lite, as `specs`, and those that it cannot make in Vega, as `vegaSpecs`. */
const SPECS = ["charts/specs.ts", "picture/specs.ts"].map(file =>
  fileURLToPath(new URL(file, import.meta.url)),
);

/** Evaluates a file of charts, and anew at each build of a watch. */
async function readSpecs(file) {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    format: "esm",
    write: false,
    logLevel: "silent",
  });
  const source = Buffer.from(outputFiles[0].contents).toString("base64");
  const { specs, vegaSpecs = {} } = await import(`data:text/javascript;base64,${source}`);
  const compiled = Object.entries(specs).map(([name, spec]) => [name, toVega(spec)]);
  return { ...Object.fromEntries(compiled), ...vegaSpecs };
}

/**
 * A chart that Vega-Lite warns of is wrong: the build fails.
 *
 * @param {import("vega-lite").TopLevelSpec} spec
 */
function toVega(spec) {
  const problems = [];
  const note = (...message) => {
    problems.push(message.join(" "));
    return logger;
  };
  const ignore = () => logger;
  const logger = { level: ignore, error: note, warn: note, info: ignore, debug: ignore };
  const vega = compile(spec, { logger, config: { aria: false } }).spec;
  if (problems.length > 0) throw new Error(`Vega-Lite: ${problems.join("; ")}`);
  for (const { type, encode } of vega.marks ?? []) {
    // Vega-Lite fetches pictures alone; Vega also draws one that the page has painted.
    if (type !== "image") continue;
    delete encode.update.url;
    encode.update.image = { field: "image" };
  }
  return vega;
}

/**
 * Resolves `vega-lite:charts` to the charts compiled to Vega, so that the page needs no compiler.
 *
 * @type {import("esbuild").Plugin}
 */
export const vegaLite = {
  name: "vega-lite",
  setup(esbuild) {
    esbuild.onResolve({ filter: /^vega-lite:charts$/ }, ({ path }) => ({
      path,
      namespace: "vega-lite",
    }));
    esbuild.onLoad({ filter: /.*/, namespace: "vega-lite" }, async () => {
      const compiled = Object.assign({}, ...(await Promise.all(SPECS.map(readSpecs))));
      return {
        contents: `export const specs = ${JSON.stringify(compiled)};`,
        loader: "js",
        watchFiles: SPECS,
      };
    });
  },
};
