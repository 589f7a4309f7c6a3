/** Lines for a file, a pipe, or a terminal that cannot redraw. */
import type { Finding } from "../protocol/finding.ts";
import type { LogRecord } from "../protocol/messages.ts";
import type { MetricRecord } from "../protocol/metric.ts";
import type { Report } from "../protocol/report.ts";
import type { RunRecord } from "../protocol/run.ts";
import type { StepBatch } from "../protocol/steps.ts";
import {
  endLine,
  errorText,
  findingLine,
  lastStep,
  metricsLine,
  runLine,
  type StepSummary,
  stepLine,
} from "./format.ts";
import { StepRate } from "./rate.ts";

/** Milliseconds between two lines about steps. */
const LINE_MS = 1000;

export class PlainReport implements Report {
  readonly #print: (line: string) => void;
  readonly #printError: (line: string) => void;
  readonly #rate = new StepRate();
  #run: RunRecord | undefined;
  #hasSaidRun = false;
  #printedAt = 0;
  #unsaid: StepSummary | undefined;
  /** The newest value of each metric that has not been said. */
  readonly #metrics = new Map<string, number>();

  constructor(print: (line: string) => void, printError: (line: string) => void) {
    this.#print = print;
    this.#printError = printError;
  }

  run(run: RunRecord): void {
    this.#run = run;
  }

  log({ level, text }: LogRecord): void {
    this.#sayRun();
    if (level === "warn" || level === "error") this.#printError(text);
    else this.#print(text);
  }

  metric({ name, value }: MetricRecord): void {
    this.#metrics.set(name, value);
  }

  finding(finding: Finding): void {
    if (finding.state === "superseded") return;
    this.#sayRun();
    this.#print(findingLine(finding));
  }

  steps(batch: StepBatch): void {
    this.#sayRun();
    this.#unsaid = lastStep(batch);
    this.#rate.add(this.#unsaid);
    if (Date.now() - this.#printedAt >= LINE_MS) this.#sayStep();
  }

  end(run: RunRecord): void {
    this.#run = run;
    this.#sayRun();
    this.#sayStep();
    if (run.error) this.#printError(errorText(run));
    this.#print(endLine(run));
  }

  #sayRun(): void {
    if (this.#hasSaidRun || !this.#run) return;
    this.#hasSaidRun = true;
    this.#print(runLine(this.#run));
  }

  #sayStep(): void {
    const parts = [
      this.#unsaid && stepLine(this.#unsaid, this.#rate),
      metricsLine(this.#metrics),
    ].filter(Boolean);
    if (parts.length === 0) return;
    this.#print(parts.join(" · "));
    this.#metrics.clear();
    this.#printedAt = Date.now();
    this.#unsaid = undefined;
  }
}
