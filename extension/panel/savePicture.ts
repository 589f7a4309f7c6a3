import { dirname, extname } from "node:path";
import * as vscode from "vscode";

/**
 * Asks where to, proposes a place beside the script, and writes the picture of a chart there.
 *
 * @param name of the file: its extension is .png or .svg
 */
export async function savePicture(
  name: string,
  bytes: Uint8Array,
  script: string | undefined,
): Promise<void> {
  const extension = extname(name).slice(1);
  const folder = script
    ? vscode.Uri.file(dirname(script))
    : vscode.workspace.workspaceFolders?.[0]?.uri;
  const target = await vscode.window.showSaveDialog({
    title: vscode.l10n.t("Save Chart"),
    filters: { [extension.toUpperCase()]: [extension] },
    ...(folder ? { defaultUri: vscode.Uri.joinPath(folder, name) } : {}),
  });
  if (!target) return;
  try {
    await vscode.workspace.fs.writeFile(target, bytes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(
      vscode.l10n.t("The chart was not saved to {0}: {1}", target.fsPath, why),
    );
    return;
  }
  const open = vscode.l10n.t("Open");
  const said = vscode.l10n.t("The chart was saved to {0}.", target.fsPath);
  if ((await vscode.window.showInformationMessage(said, open)) !== open) return;
  await vscode.commands.executeCommand("vscode.open", target);
}
