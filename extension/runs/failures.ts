import { basename } from "node:path";
import * as vscode from "vscode";
import { type RunRecord, type SourceLocation, whyNotBegun } from "../../runtime/protocol/run.ts";
import { Command, SECTION } from "../contributed.ts";
import { openSource } from "../openSource.ts";

/** Says once that a run failed, and where to read more. */
export async function reportFailure(record: RunRecord): Promise<void> {
  const { script, error } = record;
  const line = vscode.l10n.t("Go to Line");
  const output = vscode.l10n.t("Show Output");
  const panel = vscode.l10n.t("Open Panel");
  const choices = [...(error?.location ? [line] : []), output, panel];
  const choice = await vscode.window.showErrorMessage(failureText(record), ...choices);
  if (choice === line && error?.location) await openSource(error.location);
  if (choice === output) await vscode.commands.executeCommand(Command.showOutput);
  if (choice === panel) {
    await vscode.commands.executeCommand(Command.showPanel, vscode.Uri.file(script));
  }
}

function failureText(record: RunRecord): string {
  const { script, status, error } = record;
  const name = basename(script);
  const why = firstLine(error?.message ?? "");
  if (status === "crashed") return vscode.l10n.t("{0} crashed: {1}", name, why);
  switch (whyNotBegun(record)) {
    case "does not compile":
      return vscode.l10n.t(
        "{0} does not compile: {1} ({2}). Correct it, and train again.",
        name,
        why,
        placeText(error?.location),
      );
    case "did not start":
      return vscode.l10n.t("{0} did not start: {1}", name, why);
    case "":
      return vscode.l10n.t("{0} failed: {1}", name, why);
  }
}

function placeText(location: SourceLocation | undefined): string {
  return location ? `${basename(location.file)}:${location.line}:${location.column}` : "";
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
