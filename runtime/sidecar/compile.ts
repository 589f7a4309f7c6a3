/**
 * Compiles a training file and what it imports from its own project, module by module and in
 * memory: every module keeps its `import.meta`, and a debugger finds it where it lies on disk.
 */
import { realpathSync } from "node:fs";
import { isBuiltin } from "node:module";
import { extname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Message, type OnResolveArgs, type Plugin, stop } from "esbuild";
import type { CompiledModules } from "../data/modules.ts";
import { resolveAsNode } from "./hooks.ts";

/** Files that Node cannot run as they are: types, enums, decorators, path aliases. */
const COMPILED = new Set([".ts", ".mts", ".tsx", ".jsx"]);

/** Files that Node runs by itself; anything else (JSON, text) becomes part of its importer. */
const NATIVE = new Set([".js", ".mjs", ".cjs", ".cts", ".node", ".wasm"]);

/** Where esbuild finds the engine for `require("stepscope")`. */
const REQUIRED_ENGINE = "required-engine";

/** What a CommonJS file expects around it; on the first line, which no source map counts. */
const COMMON_JS = `
  import { createRequire as createRequireOfScript } from "node:module";
  const require = createRequireOfScript(import.meta.url);
  const __filename = import.meta.filename;
  const __dirname = import.meta.dirname;
`.replaceAll("\n", " ");

/** A script that does not compile. `messages` are esbuild's. */
export class CompileError extends Error {
  readonly messages: readonly Message[];

  constructor(messages: readonly Message[]) {
    super(messages.map(({ text }) => text).join("\n"));
    this.name = "CompileError";
    this.messages = messages;
  }
}

/**
 * Compiles `script` and everything that it imports by path, alias or workspace.
 * @param engine URL of the module that `stepscope` stands for.
 * @param isMain whether it is the main module of the run.
 * @throws CompileError with all that is wrong, if anything is.
 */
export async function compileScript(
  script: string,
  engine: string,
  isMain = true,
): Promise<CompiledModules> {
  const compiler = new Compiler(engine, isMain);
  compiler.add(realpathSync(script));
  await compiler.settled();
  // The compiler is a process of its own.
  await stop();
  if (compiler.errors.length > 0) throw new CompileError(compiler.errors);
  return compiler.modules;
}

class Compiler {
  readonly modules = new Map<string, string>();
  readonly errors: Message[] = [];
  readonly #engine: string;
  readonly #isMain: boolean;
  readonly #jobs = new Map<string, Promise<void>>();

  constructor(engine: string, isMain: boolean) {
    this.#engine = engine;
    this.#isMain = isMain;
  }

  /** Sees to it that a file will be compiled; returns its URL. */
  add(file: string): string {
    const url = pathToFileURL(file).href;
    if (!this.#jobs.has(url)) this.#jobs.set(url, this.#compile(file, url, this.#jobs.size === 0));
    return url;
  }

  async settled(): Promise<void> {
    for (const job of this.#jobs.values()) await job;
  }

  async #compile(file: string, url: string, isEntry: boolean): Promise<void> {
    try {
      const result = await build({
        entryPoints: [file],
        outfile: file,
        allowOverwrite: true,
        write: false,
        // Modules stay apart: the plugin leaves each import of code as an import.
        bundle: true,
        plugins: [this.#imports],
        format: "esm",
        platform: "node",
        target: `node${process.versions.node}`,
        packages: "external",
        sourcemap: "inline",
        treeShaking: false,
        charset: "utf8",
        // For Node the sidecar is the main module.
        banner: isEntry && this.#isMain ? { js: "import.meta.main = true;" } : {},
        logLevel: "silent",
        metafile: true,
      });
      const text = result.outputFiles[0]?.text ?? "";
      const isCommonJs = Object.values(result.metafile.inputs).some(
        ({ format }) => format === "cjs",
      );
      this.modules.set(url, isCommonJs ? COMMON_JS + text : text);
    } catch (error) {
      this.errors.push(...messagesOf(error));
    }
  }

  /** Turns what a module imports into the URL that Node is to load. */
  readonly #imports: Plugin = {
    name: "imports",
    setup: ({ onLoad, onResolve, resolve }) => {
      // The engine awaits its GPU, which forbids to require it: an import in its place does as well.
      onLoad({ filter: /.*/, namespace: REQUIRED_ENGINE }, () => ({
        contents: `export * from ${JSON.stringify(this.#engine)};`,
      }));
      onResolve({ filter: /.*/ }, async args => {
        const { path, kind, importer, resolveDir, pluginData } = args;
        if (kind === "entry-point" || pluginData === this || isBuiltin(path)) return undefined;
        if (path === this.#engine) return { path, external: true };
        if (path === "stepscope") {
          return kind === "require-call"
            ? { path, namespace: REQUIRED_ENGINE }
            : { path: this.#engine, external: true };
        }
        const found = await resolve(path, { kind, importer, resolveDir, pluginData: this });
        if (found.errors.length > 0) return { errors: found.errors };
        // What CommonJS requires becomes a part of it, but for packages, which Node requires.
        if (kind === "require-call") return found.external ? { path, external: true } : found;
        if (found.external) return this.#package(args);
        return this.#file(found.path);
      });
    },
  };

  /** A package is resolved as Node does it, from the file that imports it. */
  #package({ path, importer }: OnResolveArgs) {
    try {
      const url = resolveAsNode(path, pathToFileURL(importer).href);
      const isSource = url.startsWith("file:") && !url.includes("/node_modules/");
      if (isSource) return this.#file(fileURLToPath(url));
      return { path: url, external: true };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { errors: [{ text: `Could not resolve "${path}"`, notes: [{ text: reason }] }] };
    }
  }

  #file(file: string) {
    const extension = extname(file);
    if (COMPILED.has(extension)) return { path: this.add(file), external: true };
    if (NATIVE.has(extension)) return { path: pathToFileURL(file).href, external: true };
    return { path: file };
  }
}

function messagesOf(error: unknown): Message[] {
  const { errors } = error as { errors?: Message[] };
  if (!Array.isArray(errors)) throw error;
  return errors;
}
