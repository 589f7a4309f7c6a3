import { basename } from "node:path";
import * as vscode from "vscode";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { Command, SECTION } from "../contributed.ts";

/** Says once that a run failed, and where to read more. */
export async function reportFailure({ script, status, error }: RunRecord): Promise<void> {
  const name = basename(script);
  const why = firstLine(error?.message ?? "");
  const message =
    status === "crashed"
      ? vscode.l10n.t("{0} crashed: {1}", name, why)
      : vscode.l10n.t("{0} failed: {1}", name, why);
  const output = vscode.l10n.t("Show Output");
  const panel = vscode.l10n.t("Open Panel");
  const choice = await vscode.window.showErrorMessage(message, output, panel);
  if (choice === output) await vscode.commands.executeCommand(Command.showOutput);
  if (choice === panel) {
    await vscode.commands.executeCommand(Command.showPanel, vscode.Uri.file(script));
  }
}

/** Says that no process could be started: the panel has the whole reason. */
export async function reportNotStarted(script: string, reason: string): Promise<void> {
  const settings = vscode.l10n.t("Open Settings");
  const choice = await vscode.window.showErrorMessage(
    vscode.l10n.t("{0} could not be started: {1}", basename(script), firstLine(reason)),
    settings,
  );
  if (choice === settings) {
    await vscode.commands.executeCommand("workbench.action.openSettings", SECTION);
  }
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
