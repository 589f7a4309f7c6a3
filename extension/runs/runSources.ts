import { basename } from "node:path";
import * as vscode from "vscode";
import { RUN_SOURCE } from "../contributed.ts";

/** The scripts of runs as they were when the runs began, as documents that cannot be changed. */
export class RunSources implements vscode.TextDocumentContentProvider {
  /** Shows in what the scripts of two runs differ, in VS Code's own editor for that. */
  static async compare(before: string, after: string): Promise<void> {
    const { openRun } = await import("../../runtime/store/reader.ts");
    try {
      const [from, to] = [before, after].map(folder => {
        const reader = openRun(folder);
        const { script } = reader.record();
        reader.close();
        return { uri: sourceUri(folder, script), name: basename(script), id: basename(folder) };
      });
      if (!from || !to) return;
      const title = vscode.l10n.t("{0} of {1} ↔ {2} of {3}", from.name, from.id, to.name, to.id);
      await vscode.commands.executeCommand("vscode.diff", from.uri, to.uri, title);
    } catch (error) {
      void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
  }

  async provideTextDocumentContent({ query }: vscode.Uri): Promise<string> {
    const { openRun } = await import("../../runtime/store/reader.ts");
    const reader = openRun(query);
    try {
      return reader.source();
    } finally {
      reader.close();
    }
  }
}

/** The path ends as the script's does, so that the language is known. */
function sourceUri(runFolder: string, script: string): vscode.Uri {
  const path = `/${basename(runFolder)}/${basename(script)}`;
  return vscode.Uri.from({ scheme: RUN_SOURCE, path, query: runFolder });
}
