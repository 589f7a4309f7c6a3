import * as vscode from "vscode";
import type { TrainingDocuments } from "./code/trainingDocuments.ts";
import { ContextKey, TRAINING_FILES } from "./contributed.ts";
import type { Runs } from "./runs/runs.ts";
import { Throttle } from "./throttle.ts";

/** Shortest time between two looks at files that are being typed in, in milliseconds. */
const LOOK_INTERVAL_MS = 300;

/**
 * Keeps the keys of `when` clauses. They are lists of files, and not facts about the active editor,
 * because each editor group asks for its own title. Files are told by `resourcePath`: the URI of a
 * file is another one in the window than here, where the extension runs on a remote machine.
 */
export class ContextKeys implements vscode.Disposable {
  readonly #documents: TrainingDocuments;
  readonly #runs: Runs;
  readonly #look = new Throttle(LOOK_INTERVAL_MS, () => void this.#showTraining());
  readonly #subscriptions: vscode.Disposable;
  /** What was set last, as JSON: setting a key makes VS Code look at all its menus again. */
  readonly #set = new Map<string, string>();

  constructor(documents: TrainingDocuments, runs: Runs) {
    this.#documents = documents;
    this.#runs = runs;
    this.#subscriptions = vscode.Disposable.from(
      this.#look,
      vscode.window.onDidChangeVisibleTextEditors(() => this.#look.call()),
      vscode.workspace.onDidChangeTextDocument(() => this.#look.call()),
      runs.onDidChange(() => this.#showRunning()),
    );
    this.#look.call();
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  async #showTraining(): Promise<void> {
    const files: vscode.Uri[] = [];
    for (const { document } of vscode.window.visibleTextEditors) {
      if (vscode.languages.match(TRAINING_FILES, document) === 0) continue;
      if (await this.#documents.find(document)) files.push(document.uri);
    }
    this.#setKey(ContextKey.trainingFiles, resourcePaths(files));
  }

  #showRunning(): void {
    const { busyScripts, queuedScripts, pausedScripts } = this.#runs;
    const files = [...queuedScripts, ...busyScripts].map(script => vscode.Uri.file(script));
    this.#setKey(ContextKey.runningFiles, resourcePaths(files));
    this.#setKey(ContextKey.running, files.length > 0);
    const paused = pausedScripts.map(script => vscode.Uri.file(script));
    this.#setKey(ContextKey.pausedFiles, resourcePaths(paused));
    const newest = busyScripts.at(-1);
    this.#setKey(ContextKey.paused, newest !== undefined && pausedScripts.includes(newest));
  }

  #setKey(key: string, value: boolean | readonly string[]): void {
    const text = JSON.stringify(value);
    if (this.#set.get(key) === text) return;
    this.#set.set(key, text);
    void vscode.commands.executeCommand("setContext", key, value);
  }
}

/** What `resourcePath` may be: the path on this system, or that of the URI of a remote file. */
function resourcePaths(files: readonly vscode.Uri[]): string[] {
  return [...new Set(files.flatMap(({ fsPath, path }) => [fsPath, path]))];
}
