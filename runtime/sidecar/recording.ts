/** The record of a run as it grows: stored first, then told to whoever listens. */
import { readFileSync } from "node:fs";
import { type Finding, mergeFindings } from "../protocol/finding.ts";
import type { StepHistograms } from "../protocol/histogram.ts";
import type { LogRecord, SidecarMessage } from "../protocol/messages.ts";
import type { MetricRecord } from "../protocol/metric.ts";
import type { RunRecord } from "../protocol/run.ts";
import type { StepBatch } from "../protocol/steps.ts";
import { afterBatch, RunWriter } from "../store/writer.ts";

/** Milliseconds between two transactions: often enough for 20 redraws a second, seldom enough to be cheap. */
const COMMIT_MS = 40;

/** Characters of output that a run keeps; a script that prints forever must not fill the disk. */
const MAX_LOG_CHARACTERS = 64 * 1024 * 1024;

/** Characters of one log; nobody reads more, and a message must not get too long to be sent. */
const MAX_TEXT_CHARACTERS = 1024 * 1024;

export class Recording {
  #record: RunRecord;
  #changed = false;
  #batches: StepBatch[] = [];
  #logs: LogRecord[] = [];
  #metrics: MetricRecord[] = [];
  #histograms: StepHistograms[] = [];
  #findings: Finding[] = [];
  #storedLogs = 0;
  #storedMetrics = 0;
  #logCharacters = 0;
  #timer: NodeJS.Timeout | undefined;
  #committedAt = 0;
  readonly #writer: RunWriter;
  /** The store has failed: training goes on without it. */
  #hasFailed = false;
  readonly #tell: (message: SidecarMessage) => void;

  /** Makes the run's file in `folder`; `tell` hears what has been stored. */
  constructor(folder: string, record: RunRecord, tell: (message: SidecarMessage) => void) {
    this.#record = record;
    this.#tell = tell;
    this.#writer = new RunWriter(folder, record, readFileSync(record.script, "utf8"));
  }

  /** The record and how much is stored beside it: what a newcomer must read from the store. */
  get stored(): { readonly run: RunRecord; readonly logs: number; readonly metrics: number } {
    this.commit();
    return { run: this.#record, logs: this.#storedLogs, metrics: this.#storedMetrics };
  }

  change(change: Partial<RunRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#changed = true;
    this.#schedule();
  }

  steps(batch: StepBatch): void {
    this.#batches.push(batch);
    this.#schedule();
  }

  log(line: Omit<LogRecord, "step">): void {
    const last = this.#batches.at(-1);
    const step = last ? last.firstStep + last.count - 1 : this.#record.steps;
    this.#logs.push({ ...line, text: shorten(line.text), step });
    this.#schedule();
  }

  metrics(metrics: readonly MetricRecord[]): void {
    this.#metrics.push(...metrics);
    this.#schedule();
  }

  /** Nobody is told of histograms: who shows them reads them. */
  histograms(histograms: readonly StepHistograms[]): void {
    this.#histograms.push(...histograms);
    this.#schedule();
  }

  /** Adds findings, or new versions of those that there are. */
  findings(findings: readonly Finding[]): void {
    this.#findings.push(...findings);
    this.#schedule();
  }

  /** Stores and tells everything now. */
  commit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#committedAt = Date.now();
    const changed = this.#changed;
    const batches = this.#batches;
    const logs = this.#logs;
    const metrics = this.#metrics;
    const findings = this.#findings;
    const histograms = this.#histograms;
    const added = [batches, logs, metrics, findings, histograms];
    if (!changed && added.every(list => list.length === 0)) return;
    this.#changed = false;
    this.#batches = [];
    this.#logs = [];
    this.#metrics = [];
    this.#findings = [];
    this.#histograms = [];
    this.#record = batches.reduce(afterBatch, {
      ...this.#record,
      findings: mergeFindings(this.#record.findings, findings),
    });
    this.#store(batches, logs, metrics, histograms);
    if (changed) this.#tell({ type: "run", run: this.#record });
    for (const log of logs) this.#tell({ type: "log", log });
    for (const batch of batches) this.#tell({ type: "steps", batch });
    for (const metric of metrics) this.#tell({ type: "metric", metric });
    for (const finding of findings) this.#tell({ type: "finding", finding });
  }

  /** Closes the run; returns its final record. */
  close(change: Partial<RunRecord>): RunRecord {
    this.commit();
    this.#record = { ...this.#record, ...change };
    // There may be room again for how the run ended.
    this.#hasFailed = false;
    this.#store([], [], [], []);
    this.#writer.close();
    return this.#record;
  }

  #schedule(): void {
    const wait = Math.max(0, this.#committedAt + COMMIT_MS - Date.now());
    this.#timer ??= setTimeout(() => this.commit(), wait);
  }

  #store(
    batches: readonly StepBatch[],
    logs: readonly LogRecord[],
    metrics: readonly MetricRecord[],
    histograms: readonly StepHistograms[],
  ): void {
    if (this.#hasFailed) return;
    const kept = logs.filter(log => this.#isWithinLimit(log));
    try {
      this.#writer.add({ record: this.#record, batches, logs: kept, metrics, histograms });
      this.#storedLogs += kept.length;
      this.#storedMetrics += metrics.length;
    } catch (error) {
      this.#hasFailed = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.#warn(`Recording stopped after step ${this.#lastStored(batches)}: ${reason}.`, "error");
    }
  }

  #lastStored(batches: readonly StepBatch[]): number {
    return (batches[0]?.firstStep ?? this.#record.steps + 1) - 1;
  }

  #isWithinLimit({ text }: LogRecord): boolean {
    const before = this.#logCharacters;
    this.#logCharacters += text.length;
    if (before <= MAX_LOG_CHARACTERS && this.#logCharacters > MAX_LOG_CHARACTERS) {
      this.#warn(
        "The script has printed very much. Later output is shown and not recorded.",
        "warn",
      );
    }
    return this.#logCharacters <= MAX_LOG_CHARACTERS;
  }

  #warn(text: string, level: "warn" | "error"): void {
    const log = { level, text, time: Date.now(), step: this.#record.steps };
    this.#tell({ type: "log", log });
  }
}

function shorten(text: string): string {
  const more = text.length - MAX_TEXT_CHARACTERS;
  return more > 0 ? `${text.slice(0, MAX_TEXT_CHARACTERS)}… (${more} characters more)` : text;
}
