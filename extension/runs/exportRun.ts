import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import * as vscode from "vscode";
import type { ExportFormat } from "../../runtime/exchange/export.ts";
import type { RunSummary } from "../../runtime/store/summary.ts";

/** Asks in which format and where to, writes every point of the run there, and offers to show it. */
export async function exportRun({ folder, record }: RunSummary): Promise<void> {
  const format = await askFormat();
  if (!format) return;
  const { exportName, exportRun } = await import("../../runtime/exchange/export.ts");
  const target = await vscode.window.showSaveDialog({
    title: vscode.l10n.t("Export Run"),
    saveLabel: vscode.l10n.t("Export"),
    defaultUri: vscode.Uri.file(join(dirname(record.script), exportName(record, format))),
  });
  if (!target) return;
  // The dialog has asked whether to replace a file.
  if (format === "json") await rm(target.fsPath, { force: true });
  const { openRun } = await import("../../runtime/store/reader.ts");
  const reader = openRun(folder);
  try {
    const writing = exportRun(reader, format, target.fsPath);
    if (await writeAll(writing, record.steps)) await offerToShow(target);
  } catch (error) {
    void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
  } finally {
    reader.close();
  }
}

async function askFormat(): Promise<ExportFormat | undefined> {
  const items: readonly (vscode.QuickPickItem & { readonly format: ExportFormat })[] = [
    {
      format: "csv",
      label: "CSV",
      detail: vscode.l10n.t("A folder of tables: steps, tensors, and what the script logged"),
    },
    {
      format: "json",
      label: "JSON",
      detail: vscode.l10n.t("The lines of stepscope train --json, in one file"),
    },
    {
      format: "tensorboard",
      label: "TensorBoard",
      detail: vscode.l10n.t("A folder with an event file, for tensorboard --logdir"),
    },
  ];
  const title = vscode.l10n.t("Export Run");
  return (await vscode.window.showQuickPick(items, { title }))?.format;
}

/** Writes with progress; false if the user cancelled, which leaves nothing behind. */
async function writeAll(writing: Generator<number>, steps: number): Promise<boolean> {
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: vscode.l10n.t("Exporting the run"),
    cancellable: true,
  };
  return vscode.window.withProgress(options, async (progress, cancellation) => {
    let before = 0;
    for (const step of writing) {
      progress.report({ increment: (100 * (step - before)) / Math.max(1, steps) });
      before = step;
      // The other windows' turn, and that of the button.
      await setImmediate();
      if (cancellation.isCancellationRequested) return false;
    }
    return true;
  });
}

async function offerToShow(target: vscode.Uri): Promise<void> {
  const show = vscode.l10n.t("Show in Explorer");
  const said = vscode.l10n.t("The run was exported to {0}.", target.fsPath);
  if ((await vscode.window.showInformationMessage(said, show)) !== show) return;
  await vscode.commands.executeCommand("revealInExplorer", target);
}
