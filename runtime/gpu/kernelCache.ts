/**
 * The kernels that a script needed in its last run, by their sources. They are compiled on Dawn's threads
 * while the script loads, its modules and its data, as Dawn in Node keeps no compiled code on disk: it
 * asks the platform for such a cache, and its binding offers none.
 */
import { availableParallelism } from "node:os";
import { ADAPTER_VARIABLE } from "./adapter.ts";
import { readCache, writeCache } from "./diskCache.ts";
import { type KernelSource, prepareKernel, requestedKernels } from "./pipelines.ts";

/** Kernels of a script that are kept. */
const MOST_KERNELS = 400;

/** Batches behind which a loop goes on with the kernels that it has: the first step has some of its own. */
const FIRST_BATCHES = 2;

let batches = 0;
/** What was needed until the loop went on by itself; before, and without a loader, all that was. */
let needed: readonly KernelSource[] | undefined;

/** Kernels that are compiled at a time. */
const AT_ONCE = availableParallelism();

/**
 * Settles when what the last run needed is compiled, or when the script asks for something else: then it was
 * changed, and the rest is left.
 */
export const kernelsReady: Promise<void> =
  process.env[ADAPTER_VARIABLE] === "none" ? Promise.resolve() : prepare();

/**
 * To be called before each batch of a loop: what is needed later, such as pictures that somebody has asked for, no
 * loop shall wait for in the next run.
 */
export function batchFollows(): void {
  if (batches++ === FIRST_BATCHES) needed = requestedKernels();
}

async function prepare(): Promise<void> {
  const script = process.argv[1];
  if (!script) return;
  const name = `kernels of ${script}`;
  const known = sourcesIn(readCache(name));
  process.once("exit", () => keep(name, known));
  const codes = new Set(known.map(({ code }) => code));
  const isStale = () => requestedKernels().some(({ code }) => !codes.has(code));
  const left = known.values();
  const compile = async () => {
    for (const source of left) {
      if (isStale()) return;
      await prepareKernel(source);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, compile));
}

function keep(name: string, known: readonly KernelSource[]): void {
  const kept = (needed ?? requestedKernels()).slice(0, MOST_KERNELS);
  const isKnown =
    kept.length === known.length && kept.every(({ code }, i) => code === known[i]?.code);
  if (!isKnown && kept.length > 0) writeCache(name, kept);
}

function sourcesIn(value: unknown): readonly KernelSource[] {
  return Array.isArray(value) && value.every(isSource) ? value : [];
}

function isSource(value: unknown): value is KernelSource {
  return (
    typeof value === "object" &&
    value !== null &&
    "code" in value &&
    typeof value.code === "string" &&
    "storages" in value &&
    typeof value.storages === "number" &&
    "label" in value &&
    typeof value.label === "string"
  );
}
