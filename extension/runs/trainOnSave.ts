import * as vscode from "vscode";
import { Command, SECTION, Setting } from "../contributed.ts";
import type { Runs } from "./runs.ts";

/** Trains a script again when it is saved, where the setting says so and it has run in this window. */
export class TrainOnSave implements vscode.Disposable {
  readonly #runs: Runs;
  readonly #subscription: vscode.Disposable;
  /** Scripts that train again as soon as they have stopped. */
  readonly #waiting = new Set<string>();

  constructor(runs: Runs) {
    this.#runs = runs;
    this.#subscription = vscode.Disposable.from(
      vscode.workspace.onDidSaveTextDocument(document => this.#saved(document)),
      runs.onDidEnd(({ script }) => {
        if (this.#waiting.delete(script)) train(script);
      }),
    );
  }

  dispose(): void {
    this.#subscription.dispose();
  }

  #saved({ uri }: vscode.TextDocument): void {
    const script = uri.fsPath;
    const settings = vscode.workspace.getConfiguration(SECTION, uri);
    const run = this.#runs.of(script);
    if (!run || !settings.get(Setting.trainOnSave, false)) return;
    if (!run.active) {
      train(script);
      return;
    }
    this.#waiting.add(script);
    this.#runs.stop(script);
  }
}

function train(script: string): void {
  void vscode.commands.executeCommand(Command.train, vscode.Uri.file(script));
}
