/** How Node finds and loads the modules of a training script. */
import { registerHooks } from "node:module";

/** Specifiers that ask for another one as seen from another module. */
const AS_SEEN_FROM = "stepscope-as-seen-from:";

/** What a CommonJS file gets that requires the engine: Node requires no module that awaits, and it awaits its GPU. */
const REQUIRED = "stepscope-required:engine";

/** Where that is kept once it has been opened. */
const ENGINE = Symbol.for("stepscope.engine");

/**
 * From now on `stepscope` is the module at `engine`, whoever imports it: two copies of the engine
 * would not know each other's tensors.
 */
export function provideEngine(engine: string): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === "stepscope") {
        const url = context.conditions.includes("require") ? REQUIRED : engine;
        return { url, shortCircuit: true };
      }
      if (!specifier.startsWith(AS_SEEN_FROM)) return next(specifier, context);
      const [wanted, parentURL] = JSON.parse(
        decodeURIComponent(specifier.slice(AS_SEEN_FROM.length)),
      ) as [string, string];
      return next(wanted, { ...context, parentURL });
    },
    load(url, context, next) {
      if (url !== REQUIRED) return next(url, context);
      const source = `module.exports = globalThis[Symbol.for(${JSON.stringify(ENGINE.description)})];`;
      return { format: "commonjs", source, shortCircuit: true };
    },
  });
}

/** Has CommonJS files that Node runs as they are require this engine, which has been opened. */
export function offerToRequire(engine: object): void {
  Object.defineProperty(globalThis, ENGINE, { value: engine });
}

/**
 * The URL that `specifier` means in the module at `parent`. Needs `provideEngine` before it.
 * @throws Node's own error if it cannot be found.
 */
export function resolveAsNode(specifier: string, parent: string): string {
  return import.meta.resolve(
    AS_SEEN_FROM + encodeURIComponent(JSON.stringify([specifier, parent])),
  );
}
