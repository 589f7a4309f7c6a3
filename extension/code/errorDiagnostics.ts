import * as vscode from "vscode";
import type { RunError, RunRecord } from "../../runtime/protocol/run.ts";

/** Marks the line where a run failed, until its file is edited or the script runs again. */
export class ErrorDiagnostics implements vscode.Disposable {
  readonly #collection = vscode.languages.createDiagnosticCollection("stepscope");
  /** Script of a run -> the file in which it failed. */
  readonly #marked = new Map<string, vscode.Uri>();
  readonly #subscriptions: vscode.Disposable;

  constructor() {
    this.#subscriptions = vscode.Disposable.from(
      this.#collection,
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.#collection.delete(document.uri);
      }),
    );
  }

  /** Marks the line of the error that ended a run, if it is known. */
  async mark({ script, error }: RunRecord): Promise<void> {
    if (!error?.location) return;
    const uri = vscode.Uri.file(error.location.file);
    const range = await errorRange(uri, error);
    if (!range) return;
    const diagnostic = new vscode.Diagnostic(range, error.message, vscode.DiagnosticSeverity.Error);
    diagnostic.source = "stepscope";
    this.#marked.set(script, uri);
    this.#collection.set(uri, [diagnostic]);
  }

  /** Forgets the error of an earlier run of a script. */
  clear(script: string): void {
    const uri = this.#marked.get(script);
    if (!uri) return;
    this.#marked.delete(script);
    this.#collection.delete(uri);
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }
}

/** From the place of the error to the end of its line; undefined where the file is gone. */
async function errorRange(
  uri: vscode.Uri,
  { location }: RunError,
): Promise<vscode.Range | undefined> {
  if (!location) return undefined;
  try {
    const document = await vscode.workspace.openTextDocument(uri);
    const line = document.lineAt(Math.min(location.line, document.lineCount) - 1);
    const start = Math.max(location.column - 1, line.firstNonWhitespaceCharacterIndex);
    const end = line.text.trimEnd().length;
    return new vscode.Range(line.lineNumber, Math.min(start, end), line.lineNumber, end);
  } catch {
    return undefined;
  }
}
