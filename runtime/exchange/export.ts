/**
 * Writes a run of the store as files that other programs read. Every point is there, and of tensors at the
 * earlier steps of a long run what is kept, which is bins.
 */
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { RunRecord } from "../protocol/run.ts";
import { type StepBatch, stepValue } from "../protocol/steps.ts";
import type { RunReader } from "../store/reader.ts";
import { CsvWriter, leaves } from "./csv.ts";
import { eventRecord, fileHeader } from "./eventFile.ts";
import { JsonReport, stepObject, type TensorBin } from "./jsonLines.ts";
import { tensorBins } from "./tensorBins.ts";

export const EXPORT_FORMATS = ["csv", "json", "tensorboard"] as const;

/**
 * - `csv`: a folder with `steps.csv`, `tensors.csv` and, of a script that logs its own, `metrics.csv`, of a long
 *   run `bins.csv`
 * - `json`: the lines of `stepscope train --json`, in one file
 * - `tensorboard`: a folder with an event file, to be shown by `tensorboard --logdir`
 */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** The name of what is written where the user gave none. */
export function exportName(run: RunRecord, format: ExportFormat): string {
  return format === "json" ? `${run.id}.jsonl` : `${run.id}-${format}`;
}

/**
 * Writes the run to `path`, which must not exist: a file for `json`, else a folder. Each turn
 * writes some steps and yields how many are written, so that the caller can tell, or end early:
 * what is not complete is then removed.
 *
 * @throws Error if `path` exists or cannot be written, or the run is damaged (then what could be
 *   read is written, and kept)
 */
export function* exportRun(
  reader: RunReader,
  format: ExportFormat,
  path: string,
): Generator<number, void, void> {
  if (existsSync(path)) throw new Error(`${path} exists already.`);
  const run = reader.record();
  const files = new Files(path);
  let complete = false;
  let damage: string | undefined;
  try {
    const write = WRITERS[format](run, reader, files);
    const first = reader.firstStep() ?? 1;
    for (const batch of reader.steps()) {
      write.steps(batch);
      const last = batch.firstStep + batch.count - 1;
      if (batch.tensorCount === 0 && run.tensors.length > 0) {
        const steps = [batch.firstStep, last] as const;
        for (const bin of tensorBins(reader, run.tensors, steps, first)) write.bins(bin, batch);
        damage ??= reader.damage;
      }
      yield last;
    }
    damage ??= reader.damage;
    write.end?.();
    complete = true;
  } finally {
    files.close();
    if (!complete) rmSync(path, { recursive: true, force: true });
  }
  if (damage) throw new Error(`${damage} What comes before it is in ${path}.`);
}

/** The files of an export, made when they get their first bytes. */
class Files {
  readonly #path: string;
  readonly #open = new Map<string, number>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Adds to the file `name` in the folder, or, without a name, to the one file. */
  write(data: string | Uint8Array, name = ""): void {
    let file = this.#open.get(name);
    if (file === undefined) {
      if (name) mkdirSync(this.#path, { recursive: true });
      file = openSync(join(this.#path, name), "wx");
      this.#open.set(name, file);
    }
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  }

  close(): void {
    for (const file of this.#open.values()) closeSync(file);
  }
}

interface Writer {
  steps(batch: StepBatch): void;
  /** `batch` has the last step of the bin. */
  bins(bin: TensorBin, batch: StepBatch): void;
  end?(): void;
}

const WRITERS: Readonly<
  Record<ExportFormat, (run: RunRecord, reader: RunReader, files: Files) => Writer>
> = {
  csv(run, reader, files) {
    const csv = new CsvWriter(run.tensors);
    return {
      end() {
        for (const metric of reader.metrics()) files.write(csv.metric(metric), "metrics.csv");
      },
      steps(batch) {
        const { steps, tensors } = csv.lines(batch);
        files.write(steps, "steps.csv");
        files.write(tensors, "tensors.csv");
      },
      bins: bin => files.write(csv.bins(bin), "bins.csv"),
    };
  },

  json(run, reader, files) {
    const report = new JsonReport(
      line => files.write(`${line}\n`),
      () => {},
    );
    report.run(run);
    const notes = [
      ...reader.logs().map(log => ({ step: log.step, tell: () => report.log(log) })),
      ...reader.metrics().map(metric => ({ step: metric.step, tell: () => report.metric(metric) })),
    ].sort((a, b) => a.step - b.step);
    let told = 0;
    const tell = (before: number) => {
      for (let note = notes[told]; note && note.step < before; note = notes[++told]) note.tell();
    };
    return {
      steps(batch) {
        tell(batch.firstStep);
        report.steps(batch);
      },
      bins: bin => report.bins(bin),
      end() {
        tell(Number.POSITIVE_INFINITY);
        for (const finding of run.findings) report.finding(finding);
        report.end(run);
      },
    };
  },

  tensorboard(run, reader, files) {
    const startedAt = run.startedAt / 1000;
    // TensorBoard takes every file with this word in its name.
    const name = `events.out.tfevents.${Math.floor(startedAt)}.${hostname()}.${run.pid}.0`;
    files.write(fileHeader(startedAt), name);
    const timeOf = (batch: StepBatch, row: number) =>
      startedAt + stepValue(batch, row, "time") / 1000;
    return {
      steps(batch) {
        for (let row = 0; row < batch.count; row++) {
          const step = batch.firstStep + row;
          const values = [...scalars(batch, row, run)];
          files.write(eventRecord({ wallTime: timeOf(batch, row), step, values }), name);
        }
      },
      // A tag has one number at a step: the mean.
      bins(bin, batch) {
        const values = [...means(bin)];
        const wallTime = timeOf(batch, bin.to - batch.firstStep);
        files.write(eventRecord({ wallTime, step: bin.to, values }), name);
      },
      end() {
        for (const { time, step, name: tag, value } of reader.metrics()) {
          files.write(eventRecord({ wallTime: time / 1000, step, values: [[tag, value]] }), name);
        }
      },
    };
  },
};

/** Tag and value of what is measured at a step: `loss`, `lr/0`, `gradNorm/0.weight`. */
function* scalars(batch: StepBatch, row: number, run: RunRecord): Generator<[string, number]> {
  const { type: _, step: __, params, ...step } = stepObject(batch, row, run.tensors);
  for (const [tag, value] of leaves(step)) if (value !== null) yield [tag, Number(value)];
  for (const [tensor, values] of Object.entries(params)) {
    for (const [quantity, value] of leaves(values)) {
      if (value !== null) yield [`${quantity}/${tensor}`, Number(value)];
    }
  }
}

/** The end of the path of a mean. */
const MEAN = "/mean";

/** Tag and mean of each quantity of the tensors in a bin. */
function* means({ params }: TensorBin): Generator<[string, number]> {
  for (const [tensor, quantities] of Object.entries(params)) {
    for (const [path, value] of leaves(quantities)) {
      if (!path.endsWith(MEAN) || value === null) continue;
      yield [`${path.slice(0, -MEAN.length)}/${tensor}`, Number(value)];
    }
  }
}
