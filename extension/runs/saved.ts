import * as vscode from "vscode";

/** Saves the file: the sidecar reads it from disk. False where that failed, which VS Code says. */
export async function saved(uri: vscode.Uri): Promise<boolean> {
  const open = vscode.workspace.textDocuments.find(({ uri: { fsPath } }) => fsPath === uri.fsPath);
  return !open?.isDirty || (await open.save());
}
