import * as vscode from "vscode";
import { Command, SECTION, Setting } from "../contributed.ts";
import type { Runs } from "./runs.ts";

/** Trains a script again when it is saved, where the setting says so and it has run in this window. */
export function trainOnSave(runs: Runs): vscode.Disposable {
  return vscode.workspace.onDidSaveTextDocument(({ uri }) => {
    const settings = vscode.workspace.getConfiguration(SECTION, uri);
    if (!runs.of(uri.fsPath) || !settings.get(Setting.trainOnSave, false)) return;
    void vscode.commands.executeCommand(Command.trainAgain, uri);
  });
}
