import * as vscode from "vscode";
import type { Received } from "../../runtime/page/history.ts";
import type { Branches } from "../../runtime/protocol/branch.ts";
import type { TensorElements } from "../../runtime/protocol/elements.ts";
import { mergeFindings } from "../../runtime/protocol/finding.ts";
import type { LogRecord, SidecarMessage } from "../../runtime/protocol/messages.ts";
import type { MetricRecord } from "../../runtime/protocol/metric.ts";
import type { Picture } from "../../runtime/protocol/picture.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { type StepBatch, stepValue } from "../../runtime/protocol/steps.ts";

/** Hears of a run as it happens. */
export interface RunListener {
  run(run: RunRecord): void;
  steps(batch: StepBatch): void;
  log(log: LogRecord): void;
  metric(metric: MetricRecord): void;
  picture?(picture: Picture): void;
  branches?(branches: Branches): void;
  elements?(elements: TensorElements): void;
}

/** A run that this window follows, as far as its sidecar has told of it. */
export class LiveRun {
  readonly folder: string;
  readonly #listeners = new Set<RunListener>();
  #record: RunRecord;
  #step: number;
  #loss: number;
  #logs = 0;
  #metrics = 0;
  /** Stop was asked for and has not happened yet. */
  stopping = false;

  constructor(folder: string, record: RunRecord) {
    this.folder = folder;
    this.#record = record;
    this.#step = record.steps;
    this.#loss = record.finalLoss;
  }

  get record(): RunRecord {
    return this.#record;
  }

  get script(): string {
    return this.#record.script;
  }

  get active(): boolean {
    return this.#record.status === "running";
  }

  /** A client holds the loop. */
  get paused(): boolean {
    return this.active && this.#record.paused === true;
  }

  /** Last step that arrived. */
  get step(): number {
    return this.#step;
  }

  /** Loss of that step. */
  get loss(): number {
    return this.#loss;
  }

  get received(): Received {
    return { run: this.#record, steps: this.#step, logs: this.#logs, metrics: this.#metrics };
  }

  listen(listener: RunListener): vscode.Disposable {
    this.#listeners.add(listener);
    return new vscode.Disposable(() => this.#listeners.delete(listener));
  }

  /** Takes what the sidecar says. */
  receive(message: SidecarMessage): void {
    switch (message.type) {
      case "welcome":
        this.#logs = message.logs;
        this.#metrics = message.metrics;
        this.#step = message.run.steps;
        this.#loss = message.run.finalLoss;
        this.update(message.run);
        break;
      case "run":
      case "end":
        this.update(message.run);
        break;
      case "finding": {
        const findings = mergeFindings(this.#record.findings, [message.finding]);
        this.update({ ...this.#record, findings });
        break;
      }
      case "steps":
        this.#step = message.batch.firstStep + message.batch.count - 1;
        this.#loss = stepValue(message.batch, message.batch.count - 1, "loss");
        for (const listener of this.#listeners) listener.steps(message.batch);
        break;
      case "log":
        this.#logs += 1;
        for (const listener of this.#listeners) listener.log(message.log);
        break;
      case "metric":
        this.#metrics += 1;
        for (const listener of this.#listeners) listener.metric(message.metric);
        break;
      case "picture":
        for (const listener of this.#listeners) listener.picture?.(message.picture);
        break;
      case "branches":
        for (const listener of this.#listeners) listener.branches?.(message.branches);
        break;
      case "elements":
        for (const listener of this.#listeners) listener.elements?.(message.elements);
        break;
    }
  }

  /** Takes a newer record. */
  update(record: RunRecord): void {
    this.#record = record;
    for (const listener of this.#listeners) listener.run(record);
  }
}
