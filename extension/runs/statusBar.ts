import { basename } from "node:path";
import * as vscode from "vscode";
import { type Finding, mostSerious } from "../../runtime/protocol/finding.ts";
import { whyNotBegun } from "../../runtime/protocol/run.ts";
import { shortVerdict } from "../code/findingFixes.ts";
import type { SilencedFindings } from "../code/silencedFindings.ts";
import { Command } from "../contributed.ts";
import { formatCount, formatLoss } from "../format.ts";
import { Throttle } from "../throttle.ts";
import type { LiveRun } from "./liveRun.ts";
import type { Runs } from "./runs.ts";

const REFRESH_INTERVAL_MS = 500;

/** One item: how the newest run of this window stands. Hidden while there is none. */
export class RunStatusBar implements vscode.Disposable {
  readonly #runs: Runs;
  readonly #silenced: SilencedFindings;
  readonly #item = vscode.window.createStatusBarItem(
    "stepscope.run",
    vscode.StatusBarAlignment.Left,
  );
  readonly #refresh = new Throttle(REFRESH_INTERVAL_MS, () => this.#show());
  readonly #subscriptions: vscode.Disposable;

  constructor(runs: Runs, silenced: SilencedFindings) {
    this.#runs = runs;
    this.#silenced = silenced;
    this.#item.name = "Stepscope";
    this.#subscriptions = vscode.Disposable.from(
      this.#item,
      this.#refresh,
      runs.onDidChange(() => this.#refresh.call()),
      silenced.onDidChange(() => this.#refresh.call()),
    );
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #show(): void {
    const run = this.#runs.newest;
    if (!run) {
      this.#item.hide();
      return;
    }
    const name = basename(run.script);
    const { queuedScripts } = this.#runs;
    const queued = vscode.l10n.t("{0} queued", queuedScripts.length);
    this.#item.text =
      statusText(run, name, verdict(this.#silenced.toldOf(run))) +
      (queuedScripts.length > 0 ? ` · ${queued}` : "");
    const waiting = queuedScripts.map(script => vscode.l10n.t("queued: {0}", basename(script)));
    const step = vscode.l10n.t("Stepscope: {0}, step {1}", name, formatCount(run.step));
    this.#item.tooltip = [step, ...waiting].join("\n");
    this.#item.command = {
      title: vscode.l10n.t("Show Panel"),
      command: Command.showPanel,
      arguments: [vscode.Uri.file(run.script)],
    };
    this.#item.show();
  }
}

function statusText(run: LiveRun, name: string, verdict: string): string {
  // Of a script that took no step there is none.
  const what = run.step > 0 ? vscode.l10n.t("loss {0}", formatLoss(run.loss)) : name;
  switch (run.record.status) {
    case "running":
      if (run.stopping) return vscode.l10n.t("$(sync~spin) stopping {0}", name);
      if (run.step === 0) return vscode.l10n.t("$(sync~spin) {0}", name);
      return `${run.paused ? "$(debug-pause)" : "$(pulse)"} ${what}${verdict}`;
    case "completed":
      // A check would say that all is well.
      return `${verdict ? "$(warning)" : "$(check)"} ${what}${verdict}`;
    case "stopped":
      return `$(debug-stop) ${what}${verdict}`;
    case "failed":
      return whyNotBegun(run.record) === "does not compile"
        ? vscode.l10n.t("$(error) {0} does not compile", name)
        : vscode.l10n.t("$(error) {0} failed", name);
    case "crashed":
      return vscode.l10n.t("$(error) {0} crashed", name);
  }
}

/** ` · lr ≈ 5× too high`; empty where the diagnosis has nothing to say. */
function verdict(told: readonly Finding[]): string {
  const finding = mostSerious(told);
  return finding ? ` · ${shortVerdict(finding)}` : "";
}
