/**
 * Builds dist/: the npm package and the sidecar (ESM with shared chunks, so that a script and the
 * sidecar see the same engine), the extension (CommonJS, as VS Code loads it) and the panel's page.
 *
 *   node esbuild.mjs [--watch] [--production]
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { build, context } from "esbuild";
import { collectLicences } from "./packaging/licences.mjs";
import { codicons } from "./webview/codiconsPlugin.mjs";
import { vegaLite } from "./webview/vegaLitePlugin.mjs";

const manifest = JSON.parse(await readFile("package.json", "utf8"));
const watch = process.argv.includes("--watch");
const production = process.argv.includes("--production");

/** @type {import("esbuild").BuildOptions} */
const common = {
  bundle: true,
  minify: production,
  sourcemap: !production,
  // Those of all parts stand in THIRD_PARTY_LICENSES.txt.
  legalComments: "none",
  logLevel: "info",
  metafile: true,
};

/** @type {import("esbuild").BuildOptions} */
const runtime = {
  ...common,
  entryPoints: {
    index: "runtime/index.ts",
    sidecar: "runtime/sidecar/main.ts",
    recorder: "runtime/sidecar/recorder.ts",
    stepscope: "runtime/cli/main.ts",
    worker: "runtime/data/worker.ts",
  },
  outdir: "dist",
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  platform: "node",
  target: "node22",
  splitting: true,
  // What users install beside it; all else is bundled.
  external: Object.keys(manifest.dependencies),
  // Names of the user's classes are not touched; ours appear in his stack traces.
  keepNames: true,
};

/**
 * The parser in a file of its own, read when a training file is looked at: it is three quarters of the
 * extension, and VS Code would compile it while it activates.
 *
 * @type {import("esbuild").Plugin}
 */
const parserApart = {
  name: "parser-apart",
  setup({ onResolve }) {
    onResolve({ filter: /^@babel\/parser$/ }, ({ kind }) =>
      kind === "entry-point" ? undefined : { path: "./parser.cjs", external: true },
    );
  },
};

/**
 * VS Code's API as it is. For a namespace import esbuild copies all of its six hundred names, once for
 * each file, which took half of the time in which the extension is loaded.
 *
 * @type {import("esbuild").Plugin}
 */
const oneApi = {
  name: "one-api",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]extension[\\/].*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const contents = source.replace(
        'import * as vscode from "vscode";',
        'const vscode = require("vscode");',
      );
      return { contents, loader: "ts" };
    });
  },
};

/** @type {import("esbuild").BuildOptions} */
const extension = {
  ...common,
  entryPoints: { extension: "extension/main.ts", parser: "@babel/parser" },
  outdir: "dist",
  outExtension: { ".js": ".cjs" },
  format: "cjs",
  platform: "node",
  target: "node22",
  external: ["vscode"],
  plugins: [parserApart, oneApi],
};

/**
 * Vega-Lite's compiler in a file of its own: the charts of the page are compiled by the build, and most
 * pages have no others.
 *
 * @type {import("esbuild").Plugin}
 */
const compilerApart = {
  name: "compiler-apart",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/compiler\.ts$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: "./compiler.js", external: true } : undefined,
    );
  },
};

/** @type {import("esbuild").BuildOptions} */
const webview = {
  ...common,
  entryPoints: { panel: "webview/main.ts", browser: "webview/browser.ts" },
  outdir: "dist/webview",
  format: "iife",
  platform: "browser",
  target: "chrome120",
  alias: { vega: "./webview/vega.mjs" },
  plugins: [vegaLite, compilerApart, codicons],
};

/** @type {import("esbuild").BuildOptions} */
const compiler = {
  ...common,
  entryPoints: { compiler: "webview/own/compiler.ts" },
  outdir: "dist/webview",
  // It takes four functions of it, which Vega has from there.
  alias: { vega: "vega-util" },
  format: "esm",
  platform: "browser",
  target: "chrome120",
};

/** Empties dist/, but for the software adapter, which may be in use and never changes. */
async function clean() {
  await mkdir("dist", { recursive: true });
  for (const name of await readdir("dist")) {
    if (name !== "swiftshader") await rm(`dist/${name}`, { recursive: true, force: true });
  }
}

if (!watch) await clean();
const inputs = [];
for (const options of [runtime, extension, webview, compiler]) {
  if (watch) await (await context(options)).watch();
  else inputs.push(...Object.keys((await build(options)).metafile.inputs));
}
if (!watch) await writeFile("dist/THIRD_PARTY_LICENSES.txt", collectLicences(inputs));
