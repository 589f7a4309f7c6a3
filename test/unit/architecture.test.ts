/** Holds the arrows of the design: which folder may import which, and who may touch what. */
import { globSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, posix, sep } from "node:path";
import { parse } from "@babel/parser";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

/** The engine, top to bottom: a layer imports those below it, and others import from the top. */
const ENGINE = ["runtime/tensor", "runtime/graph", "runtime/kernels", "runtime/gpu"];

/**
 * Files without imports of their own that every layer shares: shapes, whom to tell of a step, who may
 * hold the loop, what a snapshot is made of.
 */
const LEAVES = [
  "runtime/tensor/shape.ts",
  "runtime/insight/gate.ts",
  "runtime/insight/observer.ts",
  "runtime/insight/phaseClock.ts",
  "runtime/insight/progress.ts",
  "runtime/checkpoint/parts.ts",
];

/** What a part may import besides itself: folders or files. A part that is not here is an error. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(LEAVES.map(file => [file, ["runtime/protocol"]])),
  ...Object.fromEntries(
    ENGINE.map((layer, i) => [layer, [...ENGINE.slice(i + 1), ...LEAVES, "runtime/protocol"]]),
  ),
  "package.json": [],
  "runtime/protocol": ["package.json"],
  "runtime/nn": ["runtime/tensor", "runtime/insight/gate.ts"],
  "runtime/optim": ["runtime/nn", "runtime/insight", "runtime/protocol", ...LEAVES, ...ENGINE],
  "runtime/data": ["runtime/tensor", "runtime/gpu", ...LEAVES],
  "runtime/checkpoint": [
    "runtime/nn",
    "runtime/optim",
    "runtime/data",
    "runtime/insight",
    "runtime/protocol",
    ...ENGINE,
  ],
  "runtime/metrics": ["runtime/tensor", "runtime/insight", ...LEAVES],
  "runtime/parallel": ["runtime/tensor", "runtime/optim", "runtime/protocol"],
  // Pure functions, for whoever has the numbers.
  "runtime/insight/diagnosis": ["runtime/protocol"],
  "runtime/insight": ["runtime/kernels", "runtime/gpu", "runtime/protocol"],
  "runtime/insight/probes": [
    "runtime/insight",
    "runtime/checkpoint",
    "runtime/optim",
    "runtime/protocol",
    ...LEAVES,
    ...ENGINE,
  ],
  "runtime/index.ts": [
    "runtime/nn",
    "runtime/optim",
    "runtime/data",
    "runtime/metrics",
    "runtime/parallel",
    "runtime/checkpoint",
    ...ENGINE,
  ],
  "runtime/store": ["runtime/protocol"],
  "runtime/client": ["runtime/protocol", "runtime/store"],
  // What serves the panel's page, whoever shows it.
  "runtime/page": ["runtime/protocol", "runtime/store", "runtime/client"],
  // Files of other programs' formats.
  "runtime/exchange": ["runtime/protocol", "runtime/store"],
  "runtime/cli": [
    "runtime/protocol",
    "runtime/store",
    "runtime/client",
    "runtime/page",
    "runtime/exchange",
    "runtime/insight/diagnosis",
  ],
  // It tells which adapter there is without opening a device.
  "runtime/cli/doctor.ts": [
    "runtime/cli",
    "runtime/client",
    "runtime/gpu",
    "runtime/protocol",
    "runtime/store",
  ],
  "runtime/sidecar": ["runtime"],
  extension: [
    "runtime/protocol",
    "runtime/store",
    "runtime/client",
    "runtime/page",
    "runtime/exchange",
  ],
  webview: ["runtime/protocol"],
  examples: ["stepscope"],
};

/** Packages and the only folders that may import them. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  webgpu: ["runtime/gpu"],
  vscode: ["extension"],
  esbuild: ["runtime/sidecar"],
  diff: ["runtime/cli"],
  fflate: ["runtime/data"],
  "gpt-tokenizer": ["runtime/data"],
  sharp: ["runtime/data"],
  "@babel/parser": ["extension/code"],
  "@babel/types": ["extension/code"],
  vega: ["webview"],
  "vega-lite": ["webview"],
  // Made while building, see webview/vegaLitePlugin.mjs.
  "vega-lite:charts": ["webview"],
  "vega-interpreter": ["webview"],
  "@vscode-elements/elements": ["webview"],
  stepscope: ["examples"],
};

interface Node {
  readonly type: string;
  readonly loc: { readonly start: { readonly line: number } };
  readonly [field: string]: unknown;
}

/** Where each kind of node that names a module keeps the name. */
const MODULE_FIELDS: Readonly<Record<string, (node: Node) => unknown>> = {
  ImportDeclaration: node => node.source,
  ExportNamedDeclaration: node => node.source,
  ExportAllDeclaration: node => node.source,
  ImportExpression: node => node.source,
  CallExpression: node =>
    isNode(node.callee) && node.callee.type === "Import" && Array.isArray(node.arguments)
      ? node.arguments[0]
      : undefined,
  TSImportType: node => node.argument,
};

interface Import {
  readonly file: string;
  readonly line: number;
  /** What is imported: a file of ours relative to the root, or a package. */
  readonly target: string;
}

const imports = globSync("{runtime,extension,webview,examples}/**/*.ts", { cwd: ROOT })
  .filter(file => !file.includes("node_modules"))
  .map(file => file.split(sep).join("/"))
  .flatMap(importsOf);

test("imports point one way", () => {
  expect(imports.filter(({ file, target }) => !allowed(file, target)).map(describe)).toEqual([]);
});

test("each package is used in one place", () => {
  const strangers = imports.filter(({ file, target }) => {
    if (isOurs(target) || target.startsWith("node:")) return false;
    const folders = PACKAGES[packageName(target)] ?? [];
    return !folders.some(folder => file.startsWith(`${folder}/`));
  });
  expect(strangers.map(describe)).toEqual([]);
});

test("the page knows neither Node nor VS Code, not even by way of the protocol", () => {
  const found = reachable("webview/main.ts").filter(
    target => builtinModules.includes(target) || /^(node:|vscode$)/.test(target),
  );
  expect(found).toEqual([]);
});

test("only the package's entry is public", () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    exports: Record<string, unknown>;
  };
  expect(Object.keys(manifest.exports)).toEqual([".", "./package.json"]);
});

test("relative imports are found in all their forms", () => {
  const source = `import a from "./a.ts";
    export * from "./b.ts";
    export { c } from "./c.ts";
    const d = await import("./d.ts");
    type E = import("./e.ts").E;`;
  expect(specifiers(source).map(each => each.specifier)).toEqual(
    ["a", "b", "c", "d", "e"].map(name => `./${name}.ts`),
  );
});

/** The folder, or file, of ARROWS that a file belongs to: the longest that fits. */
function part(file: string): string | undefined {
  return Object.keys(ARROWS)
    .filter(name => file === name || file.startsWith(`${name}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function allowed(file: string, target: string): boolean {
  if (!isOurs(target)) return true;
  const from = part(file);
  const to = part(target);
  if (from === undefined || to === undefined) return false;
  return [from, ...(ARROWS[from] ?? [])].some(arrow => to === arrow || to.startsWith(`${arrow}/`));
}

function isOurs(target: string): boolean {
  return /^(runtime|extension|webview|examples|test)\/|^package\.json$/.test(target);
}

/** Everything that a file imports, and what that imports. */
function reachable(entry: string): string[] {
  const found = new Set([entry]);
  for (const file of found) {
    for (const each of imports) if (each.file === file) found.add(each.target);
  }
  return [...found];
}

function packageName(specifier: string): string {
  const [scope, name] = specifier.split("/");
  return specifier.startsWith("@") ? `${scope}/${name}` : (scope ?? specifier);
}

function describe({ file, line, target }: Import): string {
  return `${file}:${line} imports ${target}`;
}

function importsOf(file: string): Import[] {
  const sources = specifiers(readFileSync(join(ROOT, file), "utf8"), file);
  return sources.map(({ specifier, line }) => ({
    file,
    line,
    target: specifier.startsWith(".")
      ? posix.normalize(posix.join(dirname(file), specifier))
      : specifier,
  }));
}

/** Every module that a source names, types included. `file` is for the parser's messages. */
function specifiers(source: string, file = "source"): { specifier: string; line: number }[] {
  const found: { specifier: string; line: number }[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const each of node) visit(each);
    else if (isNode(node)) {
      const literal = MODULE_FIELDS[node.type]?.(node);
      if (isNode(literal) && typeof literal.value === "string") {
        found.push({ specifier: literal.value, line: node.loc.start.line });
      }
      for (const [key, value] of Object.entries(node)) if (key !== "loc") visit(value);
    }
  };
  try {
    visit(parse(source, { sourceType: "module", plugins: ["typescript"] }).program);
  } catch (error) {
    throw new Error(`${file} does not parse`, { cause: error });
  }
  return found;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "loc" in value;
}
