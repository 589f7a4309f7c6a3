import { basename } from "node:path";
import * as vscode from "vscode";
import type { LogRecord } from "../../runtime/protocol/messages.ts";
import { whyNotBegun } from "../../runtime/protocol/run.ts";
import type { LiveRun } from "./liveRun.ts";
import type { Runs } from "./runs.ts";

/** The output channel: what scripts print, and how their runs begin and end. */
export class RunOutput implements vscode.Disposable {
  readonly #channel = vscode.window.createOutputChannel("Stepscope", { log: true });
  readonly #subscriptions: vscode.Disposable;

  constructor(runs: Runs) {
    this.#subscriptions = vscode.Disposable.from(
      this.#channel,
      runs.onDidStart(run => this.#follow(run)),
      runs.onDidEnd(run => this.#end(run)),
    );
  }

  show(): void {
    this.#channel.show(true);
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #follow(run: LiveRun): void {
    const name = basename(run.script);
    this.#channel.info(
      vscode.l10n.t("{0}: run {1}, process {2}", name, run.record.id, run.record.pid),
    );
    const print = ({ level, text }: LogRecord): void => this.#channel[level](`${name}: ${text}`);
    run.listen({ log: print, run: () => {}, steps: () => {}, metric: () => {} });
  }

  #end({ record, script }: LiveRun): void {
    const { status, steps, error } = record;
    const end = whyNotBegun(record) || vscode.l10n.t("{0} after step {1}", status, steps);
    const summary = `${basename(script)}: ${end}`;
    if (error) this.#channel.error(`${summary}\n${error.stack ?? error.message}`);
    else this.#channel.info(summary);
  }
}
