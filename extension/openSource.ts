import * as vscode from "vscode";
import type { SourceLocation } from "../runtime/protocol/run.ts";

/** Opens a file with the cursor at a place, or says why it cannot be opened. */
export async function openSource({ file, line, column }: SourceLocation): Promise<void> {
  const position = new vscode.Position(line - 1, column - 1);
  try {
    await vscode.window.showTextDocument(vscode.Uri.file(file), {
      viewColumn: vscode.ViewColumn.One,
      selection: new vscode.Range(position, position),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(
      vscode.l10n.t("Stepscope cannot open {0}: {1}", file, reason),
    );
  }
}
