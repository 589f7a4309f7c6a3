/** Lines for a file, a pipe, or a terminal that cannot redraw. */
import type { LogRecord } from "../protocol/messages.ts";
import type { Report } from "../protocol/report.ts";
import type { RunRecord } from "../protocol/run.ts";
import type { StepBatch } from "../protocol/steps.ts";
import { endLine, errorText, lastStep, runLine, type StepSummary, stepLine } from "./format.ts";
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
    if (!this.#unsaid) return;
    this.#print(stepLine(this.#unsaid, this.#rate.perSecond));
    this.#printedAt = Date.now();
    this.#unsaid = undefined;
  }
}
