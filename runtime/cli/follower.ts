/** Follows a run from its start to its end, so that a report hears of every step in order. */
import type { SidecarConnection } from "../client/connection.ts";
import { attachRun, type StartOptions, startRun } from "../client/start.ts";
import type { Control } from "../protocol/control.ts";
import type { Finding } from "../protocol/finding.ts";
import type { SidecarMessage } from "../protocol/messages.ts";
import type { Report } from "../protocol/report.ts";
import type { RunRecord } from "../protocol/run.ts";
import { type StepBatch, sliceBatch } from "../protocol/steps.ts";
import { openRun } from "../store/reader.ts";

/** A run on the command line ends with the command, even if that was killed. */
export const GRACE_MS = 2000;

export class Follower {
  readonly #report: Report;
  #connection: SidecarConnection | undefined;
  #runFolder: string | undefined;
  /** That the run is to end, and what it may take for its last checkpoint. */
  #stopping: { readonly patienceMs: number | undefined } | undefined;
  #run: RunRecord | undefined;
  #steps = 0;
  #logs = 0;
  #metrics = 0;
  readonly #findings = new Set<string>();
  #ended: RunRecord | undefined;

  constructor(report: Report) {
    this.#report = report;
  }

  /** Starts a run and follows it; resolves to its final record. Throws if it does not start. */
  async follow(options: StartOptions): Promise<RunRecord> {
    const listener = this.#receive.bind(this);
    let connection: SidecarConnection | undefined = await startRun(options, listener);
    const { runFolder } = connection;
    this.#runFolder = runFolder;
    while (connection) {
      this.#connection = connection;
      if (this.#stopping) connection.stop(this.#stopping.patienceMs);
      await connection.closed;
      if (this.#ended) break;
      connection = await attachRun(runFolder, listener);
    }
    const run = this.#ended ?? this.#catchUp(runFolder);
    this.#report.end(run);
    return run;
  }

  /** Folder of the run. Throws before it has begun. */
  get runFolder(): string {
    if (this.#runFolder === undefined) throw new Error("The run has not begun.");
    return this.#runFolder;
  }

  /** Whether the loop is held. */
  get isPaused(): boolean {
    return this.#run?.paused ?? false;
  }

  /** The run as it stands; undefined before it has begun. */
  get run(): RunRecord | undefined {
    return this.#run && { ...this.#run, steps: this.#steps };
  }

  /** Holds the loop, or has it go on. */
  control(control: Control): void {
    this.#connection?.control(control);
  }

  /** Says something in between. */
  say(text: string): void {
    this.#report.log({ level: "warn", text, time: Date.now(), step: this.#steps });
  }

  /** Ends the run: at once, or when its last checkpoint is saved, which may take so long. */
  stop(patienceMs?: number): void {
    this.#stopping = { patienceMs };
    this.#connection?.stop(patienceMs);
  }

  #receive(message: SidecarMessage, { runFolder }: SidecarConnection): void {
    switch (message.type) {
      case "welcome": {
        const { run, logs, metrics } = message;
        this.#run = run;
        this.#report.run(run);
        this.#addFindings(run.findings);
        // Of a script that does not compile there may be no run to read.
        if (run.steps + logs + metrics > 0) this.#catchUp(runFolder, run.steps, logs, metrics);
        break;
      }
      case "run":
        this.#run = message.run;
        this.#report.run(message.run);
        break;
      case "steps":
        this.#addSteps(message.batch);
        break;
      case "log":
        this.#logs++;
        this.#report.log(message.log);
        break;
      case "metric":
        this.#metrics++;
        this.#report.metric(message.metric);
        break;
      case "finding":
        this.#addFindings([message.finding]);
        break;
      case "picture":
        this.#report.picture?.(message.picture);
        break;
      case "end":
        this.#ended = message.run;
        break;
    }
  }

  /** Reads from the store what was not sent to this client. Returns the record that is there. */
  #catchUp(runFolder: string, steps?: number, logs?: number, metrics?: number): RunRecord {
    const reader = openRun(runFolder);
    const run = reader.record();
    this.#report.run(run);
    for (const log of reader.logs(logs).slice(this.#logs)) {
      this.#logs++;
      this.#report.log(log);
    }
    for (const batch of reader.steps(this.#steps + 1, steps)) this.#addSteps(batch);
    for (const metric of reader.metrics(metrics).slice(this.#metrics)) {
      this.#metrics++;
      this.#report.metric(metric);
    }
    reader.close();
    return run;
  }

  /** Reports the versions of findings that have not been reported. */
  #addFindings(findings: readonly Finding[]): void {
    for (const finding of findings) {
      const version = `${finding.id} ${finding.state} ${finding.step}`;
      if (this.#findings.has(version)) continue;
      this.#findings.add(version);
      this.#report.finding(finding);
    }
  }

  /** Reports the steps of a batch that have not been reported. */
  #addSteps(batch: StepBatch): void {
    const seen = Math.max(0, this.#steps + 1 - batch.firstStep);
    if (seen >= batch.count) return;
    this.#steps = batch.firstStep + batch.count - 1;
    this.#report.steps(sliceBatch(batch, seen, batch.count));
  }
}
