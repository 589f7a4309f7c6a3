/** Runs modules that measure inside VS Code, and reads what they print. */
import { join } from "node:path";
import { Writable } from "node:stream";
import { runSuite, type SuiteOptions } from "../../host/suite.ts";
import type { Figures } from "./figures.ts";

const EMPTY_EXTENSION = join(import.meta.dirname, "empty-extension");

/** How long an extension takes to be loaded and activated, in milliseconds, as VS Code reports it. */
export interface Activation {
  readonly load: number;
  /** Load, call, and what the call waits for. */
  readonly total: number;
}

/** Activates the extension, or an empty one for comparison, in a fresh VS Code. */
export async function measureActivation(which: "ours" | "empty"): Promise<Activation> {
  const extension = which === "empty" ? { extension: EMPTY_EXTENSION } : {};
  const { activation = [] } = await measure("activation", extension);
  const [load = Number.NaN] = activation;
  return { load, total: activation.reduce((sum, part) => sum + part, 0) };
}

/** The figures of a module of this folder, run in a fresh VS Code. */
export async function measure(module: string, options: SuiteOptions = {}): Promise<Figures> {
  let printed = "";
  const output = new Writable({
    write(chunk, _encoding, done) {
      printed += String(chunk);
      done();
    },
  });
  const code = await runSuite(`test/bench/editor/${module}.ts`, { ...options, output });
  const figures = /figures: (\{.*\})/.exec(printed)?.[1];
  if (code !== 0 || figures === undefined) throw new Error(`No figures:\n${printed}`);
  return JSON.parse(figures) as Figures;
}
