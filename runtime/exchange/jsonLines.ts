/** `--json`: one object a line. The README documents the objects; programs rely on them. */
import type { Finding } from "../protocol/finding.ts";
import type { LogRecord } from "../protocol/messages.ts";
import type { MetricRecord } from "../protocol/metric.ts";
import type { Report } from "../protocol/report.ts";
import type { RunRecord, TensorRecord } from "../protocol/run.ts";
import { type StepBatch, stepValue, type TensorColumn, tensorValue } from "../protocol/steps.ts";

/** JSON has no NaN and no infinity: they are written as strings. */
type JsonNumber = number | "NaN" | "Infinity" | "-Infinity";

export class JsonReport implements Report {
  #run: RunRecord | undefined;
  #hasSaidRun = false;
  readonly #print: (line: string) => void;
  readonly #printError: (text: string) => void;

  /** `print` takes the objects' lines, `printError` the script's own output. */
  constructor(print: (line: string) => void, printError: (text: string) => void) {
    this.#print = print;
    this.#printError = printError;
  }

  run(run: RunRecord): void {
    this.#run = run;
  }

  log({ level, text }: LogRecord): void {
    this.#printError(`${text}\n`);
    this.#say({ type: "log", level, text });
  }

  metric({ step, name, value }: MetricRecord): void {
    this.#say({ type: "metric", step, name, value: jsonNumber(value) });
  }

  finding(finding: Finding): void {
    this.#say({ type: "finding", ...finding });
  }

  steps(batch: StepBatch): void {
    for (let row = 0; row < batch.count; row++) {
      this.#say(stepObject(batch, row, this.#run?.tensors ?? []));
    }
  }

  /** What is kept of tensors at steps that are said without. */
  bins(bin: TensorBin): void {
    this.#say(bin);
  }

  end(run: RunRecord): void {
    this.#run = run;
    const { status, steps, finalLoss, error } = run;
    this.#say({
      type: "end",
      status,
      steps,
      finalLoss: steps === 0 ? null : jsonNumber(finalLoss),
      ...(error && { error }),
    });
  }

  /** Says the run first, as late as possible: by then it knows the adapter and the seed. */
  #say(object: object): void {
    if (!this.#hasSaidRun && this.#run) {
      this.#hasSaidRun = true;
      const { id, script, adapter = null, seed } = this.#run;
      this.#print(JSON.stringify({ type: "run", id, script, adapter, seed }));
    }
    this.#print(JSON.stringify(object));
  }
}

/** A number as JSON can hold it. */
export function jsonNumber(value: number): JsonNumber {
  return Number.isFinite(value) ? value : (String(value) as JsonNumber);
}

/** The object of one step. What an optimizer does not define is null. */
export function stepObject(batch: StepBatch, row: number, tensors: readonly TensorRecord[]) {
  const of = (column: Parameters<typeof stepValue>[2]) => jsonNumber(stepValue(batch, row, column));
  const known = (column: Parameters<typeof stepValue>[2]) => {
    const value = stepValue(batch, row, column);
    return Number.isNaN(value) ? null : jsonNumber(value);
  };
  const adaptive = tensors.some(tensor => tensor.adaptive);
  const rates = batch.lr.subarray(row * batch.groups, (row + 1) * batch.groups);
  return {
    type: "step",
    step: batch.firstStep + row,
    epoch: known("epoch"),
    loss: of("loss"),
    gradNorm: of("gradNorm"),
    clippedGradNorm: known("clippedGradNorm"),
    weightNorm: of("weightNorm"),
    updateNorm: of("updateNorm"),
    stepToWeight: of("stepToWeight"),
    travel: of("travel"),
    adamGain: adaptive ? of("adamGain") : null,
    microBatches: of("microBatches"),
    lossMin: known("lossMin"),
    lossMax: known("lossMax"),
    noiseScale: known("noiseScale"),
    lossScale: known("lossScale"),
    skipped: known("skipped"),
    lr: Array.from(rates, jsonNumber),
    samples: known("samples"),
    ms: {
      step: known("stepMs"),
      forward: known("forwardMs"),
      backward: known("backwardMs"),
      wait: known("waitMs"),
      gpu: {
        forward: known("gpuForwardMs"),
        backward: known("gpuBackwardMs"),
        step: known("gpuStepMs"),
      },
    },
    bytes: { gpu: known("gpuBytes"), heap: known("heapBytes") },
    params: Object.fromEntries(
      tensors
        .slice(0, batch.tensorCount)
        .map((tensor, i) => [
          tensor.name,
          tensorFields<JsonNumber | null>(
            tensor,
            column => jsonNumber(tensorValue(batch, row, i, column)),
            null,
          ),
        ]),
    ),
  };
}

/** What a step, or a bin, has of a tensor; `none` is what stands for what its optimizer does not define. */
export function tensorFields<Value>(
  { momentum, adaptive }: TensorRecord,
  of: (column: TensorColumn) => Value,
  none: Value,
) {
  return {
    gradNorm: of("gradNorm"),
    weightNorm: of("weightNorm"),
    stepToWeight: of("stepToWeight"),
    signFlips: momentum ? of("signFlips") : none,
    epsDominated: adaptive ? of("epsDominated") : none,
    nonFinite: of("nonFinite"),
    effectiveLr: {
      min: of("effectiveLrMin"),
      p5: of("effectiveLrP5"),
      p50: of("effectiveLrP50"),
      p95: of("effectiveLrP95"),
      max: of("effectiveLrMax"),
    },
    stepSize: {
      min: of("stepSizeMin"),
      p5: of("stepSizeP5"),
      p50: of("stepSizeP50"),
      p95: of("stepSizeP95"),
      max: of("stepSizeMax"),
    },
  };
}

/** What is known of a quantity over the steps of a bin; the first three are those of its finite values, null of what is not defined. */
export interface BinValues {
  readonly min: JsonNumber | null;
  readonly mean: JsonNumber | null;
  readonly max: JsonNumber | null;
  /** Number of steps at which it was finite. */
  readonly finite: number | null;
}

/** A bin: the steps `from` to `to`, both inclusive, and by tensor what a step has of one. */
export interface TensorBin {
  readonly type: "bins";
  readonly from: number;
  readonly to: number;
  readonly params: Readonly<Record<string, ReturnType<typeof tensorFields<BinValues>>>>;
}
