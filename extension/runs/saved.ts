import * as vscode from "vscode";

/** Time that VS Code's auto save gets to end, where it is under way, in milliseconds. */
const AUTO_SAVE_MS = 5000;

/** Saves the file: the sidecar reads it from disk. False where that failed, which VS Code says. */
export async function saved(uri: vscode.Uri): Promise<boolean> {
  const open = vscode.workspace.textDocuments.find(({ uri: { fsPath } }) => fsPath === uri.fsPath);
  if (!open?.isDirty || (await open.save())) return true;
  // VS Code says no as well where its auto save came first; the document hears of that one later.
  return savedSoon(open);
}

function savedSoon(document: vscode.TextDocument): Promise<boolean> {
  return new Promise(resolve => {
    const end = () => {
      subscription.dispose();
      clearTimeout(timer);
      resolve(!document.isDirty);
    };
    const subscription = vscode.workspace.onDidSaveTextDocument(each => {
      if (each === document) end();
    });
    const timer = setTimeout(end, AUTO_SAVE_MS);
  });
}
