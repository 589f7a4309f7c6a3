/** `stepscope sweep FILE`: trains with one learning rate after the other, each with several seeds. */
import { readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Report } from "../protocol/report.ts";
import type { RunRecord } from "../protocol/run.ts";
import { shortHash } from "../store/hash.ts";
import { listRuns } from "../store/list.ts";
import { readNotes } from "../store/notes.ts";
import { projectFolder } from "../store/paths.ts";
import { runDuration } from "../store/summary.ts";
import { EXIT } from "./exit.ts";
import { Follower, GRACE_MS } from "./follower.ts";
import { brief, digits, durationText, errorText, lastStep, type StepSummary } from "./format.ts";
import { type Measure, measureName, runEnd } from "./sweepMeasure.ts";
import { type Trial, trialsOf } from "./sweepPlan.ts";
import {
  byRate,
  heldOutLines,
  resultLines,
  sweepObject,
  type TrialResult,
  trialObject,
} from "./sweepResults.ts";

export interface SweepOptions {
  readonly script: string;
  readonly args: readonly string[];
  readonly rates: readonly number[];
  readonly seeds: number;
  /** Runs at the same time. */
  readonly parallel: number;
  readonly measure: Measure;
  /** Tag of its runs, by which it finds those that have finished. */
  readonly tag: string;
  readonly json: boolean;
  /** The sidecar's entry. */
  readonly sidecar: string;
}

/** Runs what has not been run; resolves to the exit code. */
export async function sweep(options: SweepOptions): Promise<number> {
  const runs = new Sweep(options);
  const stop = () => runs.stop();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  // Nobody reads on.
  process.stdout.on("error", stop);
  const code = await runs.run();
  for (const signal of signals) process.off(signal, stop);
  return code;
}

class Sweep {
  readonly #options: SweepOptions;
  readonly #trials: readonly Trial[];
  readonly #results: TrialResult[] = [];
  /** Those that are under way, with their latest step. */
  readonly #running = new Map<Trial, { follower: Follower; step?: StepSummary }>();
  #isStopped = false;

  constructor(options: SweepOptions) {
    this.#options = { ...options, script: resolve(options.script) };
    this.#trials = trialsOf(options.rates, options.seeds);
  }

  /** Ends the runs that are under way, and begins no other. */
  stop(): void {
    this.#isStopped = true;
    for (const { follower } of this.#running.values()) follower.stop();
  }

  async run(): Promise<number> {
    for (const result of this.#finished()) this.#add(result, false);
    const done = new Set(this.#results.map(({ trial }) => trial));
    const queue = this.#trials.filter(trial => !done.has(trial));
    const take = async (): Promise<void> => {
      for (let trial = queue.shift(); trial && !this.#isStopped; trial = queue.shift()) {
        await this.#train(trial);
      }
    };
    try {
      await Promise.all(Array.from({ length: this.#options.parallel }, take));
    } catch (error) {
      this.stop();
      throw error;
    } finally {
      this.#clearProgress();
    }
    this.#tell();
    if (this.#isStopped) return EXIT.stopped;
    return this.#results.every(({ run }) => run.status === "completed")
      ? EXIT.completed
      : EXIT.failed;
  }

  /** What an earlier call of the same sweep has finished; each trial once. */
  #finished(): TrialResult[] {
    const { script, tag, measure } = this.#options;
    const project = projectFolder(script);
    // In a container, or on another machine, the project has another path.
    const place = `/${slashes(relative(project, script))}`;
    const stored = listRuns(project).runs.filter(
      ({ folder, record }) =>
        record.status === "completed" &&
        slashes(record.script).endsWith(place) &&
        readNotes(folder).tags.includes(tag),
    );
    const hash = stored.length > 0 ? shortHash(readFileSync(script)) : "";
    return this.#trials.flatMap(trial => {
      const found = stored.find(({ record }) => this.#isOf(record, trial, hash));
      return found ? [{ trial, run: found.record, ...runEnd(found.folder, measure) }] : [];
    });
  }

  #isOf({ sourceHash, args, overrides }: RunRecord, trial: Trial, hash: string): boolean {
    return (
      sourceHash === hash &&
      isDeepStrictEqual(args, this.#options.args) &&
      overrides?.lr === trial.lr &&
      overrides.seedOffset === trial.seedOffset
    );
  }

  async #train(trial: Trial): Promise<void> {
    const { script, args, sidecar, tag, measure } = this.#options;
    const state: { follower: Follower; step?: StepSummary } = {
      follower: new Follower(
        quietReport(step => {
          state.step = step;
          this.#showProgress();
        }),
      ),
    };
    this.#running.set(trial, state);
    const run = await state.follower
      .follow({
        script,
        args,
        sidecar,
        overrides: trial,
        tags: [tag],
        // Nobody holds one of so many.
        rewindBytes: 0,
        graceMs: GRACE_MS,
      })
      .finally(() => this.#running.delete(trial));
    if (this.#isStopped && run.status !== "completed") return;
    // None of the others would get further.
    if (run.steps === 0) throw new Error(run.error ? errorText(run) : NO_STEP);
    if (run.status === "completed" && !run.options?.some(({ name }) => name === "lr")) {
      throw new Error(NO_RATE);
    }
    this.#add({ trial, run, ...runEnd(state.follower.runFolder, measure) }, true);
  }

  #add(result: TrialResult, isNew: boolean): void {
    const { measure, json } = this.#options;
    this.#checkMetric(result);
    this.#results.push(result);
    this.#clearProgress();
    console.log(
      json ? JSON.stringify(trialObject(result, measure, isNew)) : this.#resultLine(result, isNew),
    );
    if (result.run.error) console.error(errorText(result.run));
  }

  /** None of the others would log it, either. */
  #checkMetric({ run, metrics }: TrialResult): void {
    const { metric } = this.#options.measure;
    if (metric === undefined || run.status !== "completed" || metrics.includes(metric)) return;
    const logged = metrics.length > 0 ? `it logs ${metrics.join(", ")}` : "it logs none";
    throw new Error(
      `The script does not log ${metric}: ${logged}. A script does by log({ ${metric} }).`,
    );
  }

  /** `[3/21]  η 3.16e-4  seed 1  loss 0.1234  4.2 s  about 1 min left` */
  #resultLine({ trial, run, value }: TrialResult, isNew: boolean): string {
    return [
      `[${this.#results.length}/${this.#trials.length}]`,
      `η ${brief(trial.lr)}`,
      `seed ${run.seed}`,
      run.status === "completed"
        ? `${measureName(this.#options.measure)} ${digits(value)}`
        : run.status,
      `${(runDuration(run) / 1000).toFixed(1)} s`,
      isNew ? this.#timeLeft() : "from before",
    ]
      .filter(Boolean)
      .join("  ");
  }

  #timeLeft(): string {
    const left = this.#trials.length - this.#results.length;
    const times = this.#results.map(({ run }) => runDuration(run));
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    const rounds = Math.ceil(left / this.#options.parallel);
    return left > 0 ? `about ${durationText((rounds * mean) / 1000)} left` : "";
  }

  #showProgress(): void {
    if (!process.stdout.isTTY || this.#options.json) return;
    const texts = [...this.#running].flatMap(([{ lr, seedOffset }, { step }]) =>
      step ? [`η ${brief(lr)} +${seedOffset}: step ${step.step}, loss ${digits(step.loss)}`] : [],
    );
    // A line that wraps could not be erased; some terminals do not say how wide they are.
    const width = (process.stdout.columns || DEFAULT_COLUMNS) - 1;
    process.stdout.write(`\r\x1b[K${texts.join(" · ").slice(0, width)}`);
  }

  #clearProgress(): void {
    if (process.stdout.isTTY && !this.#options.json) process.stdout.write("\r\x1b[K");
  }

  #tell(): void {
    const { rates, tag, json, measure } = this.#options;
    const found = byRate(rates, this.#results);
    if (json) console.log(JSON.stringify(sweepObject(tag, found, measure)));
    else if (this.#results.length > 0) {
      // Of one that was stopped these are not all.
      const tried = found.filter(({ lr }) => this.#results.some(({ trial }) => trial.lr === lr));
      const lines = resultLines(tried, measure);
      console.log(["", ...lines, ...heldOutLines(this.#results, measure)].join("\n"));
    }
    if (this.#isStopped) {
      const end = this.#results.length > 0 ? "Stopped." : "Stopped before a run had finished.";
      console.error(`${end} The same command goes on with the runs that have not finished.`);
    }
  }
}

function slashes(path: string): string {
  return path.replaceAll("\\", "/");
}

const NO_STEP = "The script ended without a step of an optimizer that it awaits.";

const NO_RATE =
  "The script has no optimizer whose learning rate could be set: a loop that updates its parameters " +
  "itself, or an optimizer of your own, has to read one from its arguments.";

const DEFAULT_COLUMNS = 80;

/** Milliseconds between two looks at a run. */
const LOOK_MS = 100;

/** Hears of the steps alone: what a script prints is in the record of its run. */
function quietReport(stepped: (step: StepSummary) => void): Report {
  let lookedAt = 0;
  return {
    run: () => {},
    log: () => {},
    metric: () => {},
    finding: () => {},
    end: () => {},
    steps: batch => {
      if (Date.now() - lookedAt < LOOK_MS) return;
      lookedAt = Date.now();
      stepped(lastStep(batch));
    },
  };
}
