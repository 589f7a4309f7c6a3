import { setImmediate } from "node:timers/promises";
import * as vscode from "vscode";
import { mostSerious } from "../../runtime/protocol/finding.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { Command, SECTION, Setting } from "../contributed.ts";
import { formatCount, formatLoss } from "../format.ts";
import { queueText } from "../runs/queueText.ts";
import type { Runs } from "../runs/runs.ts";
import type { ScriptArguments } from "../runs/scriptArguments.ts";
import type { StoredRuns } from "../runs/storedRuns.ts";
import { Announcer } from "./announcer.ts";
import { shortVerdict } from "./findingFixes.ts";
import type { SilencedFindings } from "./silencedFindings.ts";
import type { Training } from "./training.ts";
import type { TrainingDocuments } from "./trainingDocuments.ts";

/** Shortest time between two changes of the lens, in milliseconds: a text that is read must stand. */
const REFRESH_INTERVAL_MS = 500;

/** One line above the training loop: Train with the last loss, or Stop with the live one. */
export class TrainingLens implements vscode.CodeLensProvider, vscode.Disposable {
  readonly onDidChangeCodeLenses: vscode.Event<void>;
  readonly #documents: TrainingDocuments;
  readonly #runs: Runs;
  readonly #stored: StoredRuns;
  readonly #arguments: ScriptArguments;
  readonly #silenced: SilencedFindings;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #announcer = new Announcer(REFRESH_INTERVAL_MS, () => this.#changed.fire());
  readonly #subscriptions: vscode.Disposable;

  constructor(
    documents: TrainingDocuments,
    runs: Runs,
    stored: StoredRuns,
    scriptArguments: ScriptArguments,
    silenced: SilencedFindings,
  ) {
    this.#arguments = scriptArguments;
    this.#silenced = silenced;
    this.#documents = documents;
    this.#runs = runs;
    this.#stored = stored;
    this.onDidChangeCodeLenses = this.#changed.event;
    this.#subscriptions = vscode.Disposable.from(
      this.#changed,
      this.#announcer,
      runs.onDidChange(() => this.#announcer.changed()),
      silenced.onDidChange(() => this.#announcer.changed()),
      vscode.workspace.onDidChangeConfiguration(event => {
        if (event.affectsConfiguration(`${SECTION}.${Setting.codeLensEnabled}`))
          this.#changed.fire();
      }),
    );
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const settings = vscode.workspace.getConfiguration(SECTION, document);
    if (!settings.get<boolean>(Setting.codeLensEnabled, true)) return [];
    const training = await this.#training(document);
    if (!training) return [];
    const line = Math.min(training.lensLine, document.lineCount) - 1;
    // Never empty: VS Code drops a lens whose range has collapsed.
    const range = new vscode.Range(line, 0, line, 1);
    const commands = await this.#commands(document.uri);
    this.#announcer.answered();
    return commands.map(command => new vscode.CodeLens(range, command));
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  /**
   * The training code, at once where it has been looked for before: after an edit it is mostly where
   * the edit has moved it. The new text is parsed then, and VS Code asks again if that was wrong.
   */
  async #training(document: vscode.TextDocument): Promise<Training | undefined> {
    const last = this.#documents.last(document);
    if (!last || last.isDoubtful) return this.#documents.find(document);
    if (last.version !== document.version) void this.#check(document, last.training?.lensLine);
    return last.training;
  }

  async #check(document: vscode.TextDocument, answered: number | undefined): Promise<void> {
    // The answer goes out before the parser takes the thread.
    await setImmediate();
    const training = await this.#documents.find(document);
    if (training?.lensLine !== answered) this.#changed.fire();
  }

  /** Pause, or Resume and Step. */
  #loop(uri: vscode.Uri): vscode.Command[] {
    const act = (title: string, command: string) => ({ title, command, arguments: [uri] });
    if (!this.#runs.of(uri.fsPath)?.paused) {
      return [act(vscode.l10n.t("$(debug-pause) Pause"), Command.pause)];
    }
    return [
      act(vscode.l10n.t("$(debug-continue) Resume"), Command.resume),
      act(vscode.l10n.t("$(debug-step-over) Step"), Command.step),
    ];
  }

  async #commands(uri: vscode.Uri): Promise<vscode.Command[]> {
    const state = this.#runs.state(uri.fsPath);
    const stop = { title: vscode.l10n.t("■ Stop"), command: Command.stop, arguments: [uri] };
    const verdict = (run?: { folder: string; record: RunRecord }): vscode.Command[] => {
      const { folder, record } = run ?? {};
      const told =
        folder && record && this.#silenced.toldOf({ folder, script: uri.fsPath, record });
      const finding = told && mostSerious(told);
      return finding ? [show(shortVerdict(finding))] : [];
    };
    const show = (title: string): vscode.Command => ({
      title,
      command: Command.showPanel,
      arguments: [uri],
    });
    switch (state.phase) {
      case "queued":
        return [
          { ...stop, title: vscode.l10n.t("✕ Cancel") },
          show(vscode.l10n.t("queued, {0}", queueText(state.before))),
        ];
      case "starting":
        return [stop, show(vscode.l10n.t("starting…"))];
      case "stopping":
        return [show(vscode.l10n.t("stopping…"))];
      case "running":
        return [
          stop,
          ...this.#loop(uri),
          show(progress(state.loss, state.step)),
          ...verdict(this.#runs.of(uri.fsPath)),
        ];
      case "idle": {
        const title = [vscode.l10n.t("▶ Train"), this.#arguments.text(uri.fsPath)].join(" ").trim();
        const train = { title, command: Command.train, arguments: [uri] };
        const debug = {
          title: vscode.l10n.t("Debug"),
          command: Command.debug,
          arguments: [uri],
        };
        const find = {
          title: vscode.l10n.t("Find learning rate"),
          command: Command.findLearningRate,
          arguments: [uri],
        };
        const last = await this.#stored.last(uri.fsPath);
        if (!last || last.record.steps === 0) return [train, debug, find];
        const loss = show(vscode.l10n.t("last: loss {0}", formatLoss(last.record.finalLoss)));
        return [train, debug, find, loss, ...verdict(last)];
      }
    }
  }
}

function progress(loss: number, step: number): string {
  if (step === 0) return vscode.l10n.t("before the first step");
  return vscode.l10n.t("loss {0} · step {1}", formatLoss(loss), formatCount(step));
}
