/**
 * Data sets that come from a module of their own: the threads of a loader's workers load that module
 * too, because a data set itself cannot be sent to another thread.
 */
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

/** ES modules with inline source maps, by the URL of the file that they were made from. */
export type CompiledModules = ReadonlyMap<string, string>;

/** How a data set is made, once more in every thread. */
export interface Origin {
  /** URL of the module; its default export makes the data set. */
  readonly module: string;
  readonly args: readonly unknown[];
  /** What the thread needs to load the module. */
  readonly compiled: CompiledModules;
}

const origins = new WeakMap<object, Origin>();

/** Compiles a module and what it imports. Without one, Node loads modules as they are. */
let compile: ((file: string) => Promise<CompiledModules>) | undefined;

/** Has the modules of data sets compiled before they are loaded. @internal */
export function compileModulesWith(compiler: typeof compile): void {
  compile = compiler;
}

/** From now on files that have been compiled are loaded as such. @internal */
export function provideModules(modules: CompiledModules): void {
  if (modules.size === 0) return;
  registerHooks({
    load(url, context, next) {
      const source = modules.get(url);
      if (source === undefined) return next(url, context);
      return { format: "module", source, shortCircuit: true };
    },
  });
}

/**
 * A data set that a module makes: what its default export, a function, returns for `args`. A
 * `DataLoader` can read it in worker threads, each of which loads the module and calls the function.
 *
 *     import type photos from "./photos.ts";
 *     const dataset = await data.fromModule<typeof photos>(new URL("./photos.ts", import.meta.url), "folder");
 *     const loader = new data.DataLoader(dataset, { batchSize: 32, numWorkers: 2 });
 *
 * @param module absolute: `new URL("./photos.ts", import.meta.url)`.
 * @param args for the function: what `structuredClone` can copy.
 * @throws TypeError if the default export is no function, or makes no object.
 */
export async function fromModule<
  Make extends (...args: never[]) => unknown = (...args: unknown[]) => object,
>(module: URL, ...args: Parameters<Make>): Promise<Awaited<ReturnType<Make>>> {
  const compiled = (await compile?.(fileURLToPath(module))) ?? new Map<string, string>();
  provideModules(compiled);
  const origin = { module: module.href, args, compiled };
  const dataset = await make(origin);
  origins.set(dataset, origin);
  return dataset as Awaited<ReturnType<Make>>;
}

/** Makes the data set of an origin, in this thread. @internal */
export async function make({ module, args }: Origin): Promise<object> {
  const { default: maker } = (await import(module)) as { default?: unknown };
  if (typeof maker !== "function") {
    throw new TypeError(
      `${module}: expected a default export that makes the data set: export default () => …`,
    );
  }
  const dataset: unknown = await maker(...args);
  if (typeof dataset === "object" && dataset !== null) return dataset;
  throw new TypeError(`${module}: its default export should return a data set, got ${dataset}`);
}

/** Where a data set comes from, if `fromModule` made it. @internal */
export function originOf(dataset: object): Origin | undefined {
  return origins.get(dataset);
}
