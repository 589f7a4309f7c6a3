/** A few lines of a terminal that are drawn again in place. */
import { stripVTControlCharacters, styleText } from "node:util";
import type { Finding } from "../protocol/finding.ts";
import type { LogRecord } from "../protocol/messages.ts";
import type { MetricRecord } from "../protocol/metric.ts";
import { describeLine, type Picture } from "../protocol/picture.ts";
import type { Report } from "../protocol/report.ts";
import type { RunRecord } from "../protocol/run.ts";
import { type StepBatch, stepValue } from "../protocol/steps.ts";
import {
  brief,
  digits,
  endLine,
  errorText,
  findingLine,
  lastStep,
  leftText,
  metricsLine,
  runLine,
  type StepSummary,
} from "./format.ts";
import { keysHelp } from "./keys.ts";
import { LossHistory, sparkline } from "./lossHistory.ts";
import { StepRate } from "./rate.ts";

/** Milliseconds between two drawings: ten a second. */
const FRAME_MS = 100;

const BAR_CELLS = 24;

/** The part of a terminal that is written to. */
export interface Terminal {
  readonly columns: number;
  write(text: string): unknown;
}

export class LiveReport implements Report {
  readonly #terminal: Terminal;
  readonly #hasKeys: boolean;
  readonly #rate = new StepRate();
  readonly #losses = new LossHistory();
  /** The newest value of each metric. */
  readonly #metrics = new Map<string, number>();
  #run: RunRecord | undefined;
  #last: StepSummary | undefined;
  /** Output of the script that has not been printed yet. */
  #above = "";
  #drawnLines = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `hasKeys`: the loop is controlled by keys of the terminal, which then are named. */
  constructor(terminal: Terminal, hasKeys = false) {
    this.#terminal = terminal;
    this.#hasKeys = hasKeys;
  }

  run(run: RunRecord): void {
    this.#run = run;
    this.#schedule();
  }

  steps(batch: StepBatch): void {
    this.#last = lastStep(batch);
    this.#rate.add(this.#last);
    for (let row = 0; row < batch.count; row++) this.#losses.add(stepValue(batch, row, "loss"));
    this.#schedule();
  }

  log({ level, text }: LogRecord): void {
    const styles = { debug: "dim", info: "none", warn: "yellow", error: "red" } as const;
    this.#above += `${style(styles[level], text)}\n`;
    this.#schedule();
  }

  metric({ name, value }: MetricRecord): void {
    this.#metrics.set(name, value);
    this.#schedule();
  }

  finding(finding: Finding): void {
    if (finding.state === "superseded") return;
    const styles = { info: "cyan", warning: "yellow", error: "red" } as const;
    const format = finding.state === "cleared" ? "green" : styles[finding.severity];
    this.#above += `${style(format, findingLine(finding))}\n`;
    this.#schedule();
  }

  picture({ step, line, problem }: Picture): void {
    if (problem) this.#above += `${style("yellow", problem)}\n`;
    if (line) {
      const text = describeLine(line, step, digits);
      this.#above += `${style("cyan", sparkline([...line.losses]))}\n${text}\n`;
    }
    this.#schedule();
  }

  end(run: RunRecord): void {
    this.#run = run;
    this.#redraw();
    const styles = { completed: "green", stopped: "yellow" } as const;
    const status = run.status as keyof typeof styles;
    const error = run.error ? `${style("red", errorText(run))}\n` : "";
    this.#terminal.write(`${error}${style(styles[status] ?? "red", endLine(run))}\n`);
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#redraw(), FRAME_MS);
  }

  /** Puts what was printed where the lines stand, and the lines below it, in one write. */
  #redraw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines().map(line => shorten(line, this.#columns));
    const erase = this.#drawnLines > 0 ? `\x1b[${this.#drawnLines}A\r\x1b[J` : "";
    this.#terminal.write(`${erase}${this.#above}${lines.map(line => `${line}\n`).join("")}`);
    this.#above = "";
    this.#drawnLines = lines.length;
  }

  /** Columns of a line that does not wrap. */
  get #columns(): number {
    return this.#terminal.columns - 1;
  }

  #keys(): string[] {
    return keysHelp(this.#columns).map(line => style("dim", line));
  }

  #lines(): string[] {
    if (!this.#run) return [];
    const isRunning = this.#run.status === "running";
    const head =
      style("bold", runLine(this.#run)) + (isRunning ? style("yellow", held(this.#run)) : "");
    const last = this.#last;
    const metrics = this.#metrics.size > 0 ? [metricsLine(this.#metrics)] : [];
    if (!last) return [head, ...metrics];
    const cells = [
      `step ${last.step.toLocaleString("en")}`,
      `loss ${style("cyan", digits(last.loss))}`,
      `‖g‖ ${digits(last.gradNorm)}`,
      `η ${brief(last.lr)}`,
      `${brief(Number(this.#rate.perSecond.toPrecision(3)))} steps/s`,
    ];
    return [
      head,
      cells.join("  "),
      ...metrics,
      ...epochLine(last.epoch, isRunning ? this.#rate.secondsLeft : Number.NaN),
      style("cyan", this.#losses.sparkline()),
      ...(this.#hasKeys && isRunning ? this.#keys() : []),
    ];
  }
}

/** Whether the loop is held, and for what; or whether it will be. */
function held({ paused, runsToFinding, heldFor, findings }: RunRecord): string {
  if (runsToFinding) return "  to the next finding";
  if (!paused) return "";
  const finding = findings.find(({ id }) => id === heldFor);
  return finding ? `  paused: ${finding.title}` : "  paused";
}

/** How far the current pass over the data is, and how long it will take. Nothing without a loader. */
function epochLine(epoch: number, secondsLeft: number): string[] {
  if (!Number.isFinite(epoch)) return [];
  const done = epoch === 0 ? 0 : epoch - (Math.ceil(epoch) - 1);
  const full = Math.round(done * BAR_CELLS);
  const bar = "█".repeat(full) + "░".repeat(BAR_CELLS - full);
  return [
    `epoch ${Math.max(1, Math.ceil(epoch))}  ${bar} ${Math.round(done * 100)} %${leftText(secondsLeft)}`,
  ];
}

/** Cuts a line that would wrap; a wrapped line could not be erased. */
function shorten(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : plain.slice(0, columns);
}

function style(format: Parameters<typeof styleText>[0] | "none", text: string): string {
  return format === "none" ? text : styleText(format, text, { stream: process.stdout });
}
