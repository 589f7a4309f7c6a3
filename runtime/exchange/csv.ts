/** Comma-separated values (RFC 4180): one line a step, and one line a tensor and step, or bin of steps. */
import type { MetricRecord } from "../protocol/metric.ts";
import type { TensorRecord } from "../protocol/run.ts";
import type { StepBatch } from "../protocol/steps.ts";
import { stepObject, type TensorBin } from "./jsonLines.ts";

type CsvTable = "steps" | "tensors" | "bins" | "metrics";

export interface CsvTables {
  /** `step,epoch,loss,…` */
  readonly steps: string;
  /** `step,tensor,gradNorm,…` */
  readonly tensors: string;
}

/** Turns the steps of one run into lines; the first that are written begin with the names. */
export class CsvWriter {
  readonly #tensors: readonly TensorRecord[];
  readonly #named = new Set<CsvTable>();

  constructor(tensors: readonly TensorRecord[]) {
    this.#tensors = tensors;
  }

  /** The lines of a batch, each with its line end. What is not defined is empty. */
  lines(batch: StepBatch): CsvTables {
    let steps = "";
    let tensors = "";
    for (let row = 0; row < batch.count; row++) {
      const { type: _, params, ...step } = stepObject(batch, row, this.#tensors);
      steps += this.#line("steps", step);
      for (const [tensor, values] of Object.entries(params)) {
        tensors += this.#line("tensors", { step: step.step, tensor, ...values });
      }
    }
    return { steps, tensors };
  }

  /** The lines of a bin, one a tensor. */
  bins({ from, to, params }: TensorBin): string {
    const lines = Object.entries(params).map(([tensor, values]) =>
      this.#line("bins", { from, to, tensor, ...values }),
    );
    return lines.join("");
  }

  /** The line of a metric that the script logged. */
  metric({ step, name, value, time }: MetricRecord): string {
    return this.#line("metrics", { step, name, value, time });
  }

  #line(table: CsvTable, values: object): string {
    const cells = [...leaves(values)];
    const line = `${cells.map(([, value]) => cell(value)).join(",")}\r\n`;
    if (this.#named.has(table)) return line;
    this.#named.add(table);
    return `${cells.map(([name]) => cell(name)).join(",")}\r\n${line}`;
  }
}

/** The values that an object holds, also inside of its objects and lists, by their path `a/b`. */
export function* leaves(object: object, path = ""): Generator<[string, string | number | null]> {
  for (const [name, value] of Object.entries(object) as [string, unknown][]) {
    if (typeof value === "object" && value !== null) yield* leaves(value, `${path}${name}/`);
    else yield [path + name, typeof value === "number" ? value : (value as string | null)];
  }
}

function cell(value: string | number | null): string {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
