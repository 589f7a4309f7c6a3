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
  const hasTurns = vega.signals?.some(({ name }) => name === "turn") ?? false;
  for (const mark of marksOf(vega)) lighten(mark, hasTurns);
  return vega;
}

/** All marks that are drawn, also those of groups. */
function marksOf({ marks = [] }) {
  return marks.flatMap(mark => (mark.type === "group" ? marksOf(mark) : [mark]));
}

/** What a point of a line has anew whenever it is drawn. */
const PLACES = ["x", "y", "y2", "defined"];

/** Leaves out what takes most of the time of a drawing that is made twenty times a second. */
function lighten({ type, encode }, hasTurns) {
  const { description: _, ...update } = encode.update;
  encode.update = update;
  if (type === "image") {
    // Vega-Lite fetches pictures alone; Vega also draws one that the page has painted.
    delete update.url;
    update.image = { field: "image" };
  }
  if (type !== "line" && type !== "area") return;
  // Points are made once and moved; how they look never changes.
  const isPlace = ([name]) => PLACES.includes(name);
  const channels = Object.entries(update);
  encode.enter = Object.fromEntries(channels.filter(channel => !isPlace(channel)));
  encode.update = Object.fromEntries(channels.filter(isPlace));
  // Their columns are numbers. A line that is drawn in turns is looked at anew with each of them.
  const { defined } = encode.update;
  if (!defined) return;
  const check = /isValid\((.*?)\) && isFinite\(\+\1\)/g;
  const isNumber = defined.signal.replace(check, "isFinite($1)");
  defined.signal = hasTurns ? `turn >= 0 && ${isNumber}` : isNumber;
}

/** Shorter parts of a chart are written out wherever they occur. */
const SHORTEST_SHARED = 60;

/**
 * The charts as a module. What several have in common stands in it once: most exist for each kind of scale, which
 * is a word of them.
 *
 * @param {Readonly<Record<string, object>>} specs
 */
function moduleOf(specs) {
  /** How often a part occurs, beside in a part that occurs more than once. */
  const counts = new Map();
  const names = new Map();
  const lines = [];
  const partsOf = value =>
    typeof value === "object" && value !== null ? Object.values(value) : [];
  const count = value => {
    const text = JSON.stringify(value);
    const known = counts.get(text) ?? 0;
    counts.set(text, known + 1);
    if (known === 0) for (const part of partsOf(value)) count(part);
  };
  const write = value => {
    const text = JSON.stringify(value);
    if (typeof value !== "object" || value === null) return text;
    if (names.has(text)) return names.get(text);
    const parts = Object.entries(value).map(([key, part]) => [JSON.stringify(key), write(part)]);
    const literal = Array.isArray(value)
      ? `[${parts.map(([, part]) => part)}]`
      : `{${parts.map(([key, part]) => `${key}:${part}`)}}`;
    if ((counts.get(text) ?? 0) < 2 || text.length < SHORTEST_SHARED) return literal;
    const name = `shared${names.size}`;
    names.set(text, name);
    lines.push(`const ${name} = ${literal};`);
    return name;
  };
  count(specs);
  const all = write(specs);
  return `${lines.join("\n")}\nexport const specs = ${all};`;
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
        contents: moduleOf(compiled),
        loader: "js",
        watchFiles: SPECS,
      };
    });
  },
};
