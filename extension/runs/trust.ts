import * as vscode from "vscode";

/**
 * Whether code of this workspace may run. Says why not, and what to do, where it may not: a command
 * can be called although its buttons are hidden.
 */
export function mayRun(): boolean {
  if (vscode.workspace.isTrusted) return true;
  void explain();
  return false;
}

async function explain(): Promise<void> {
  const manage = vscode.l10n.t("Manage Workspace Trust");
  const choice = await vscode.window.showWarningMessage(
    vscode.l10n.t(
      "Training runs the code of this workspace, and the workspace is not trusted. Trust it to train; recorded runs can be viewed without.",
    ),
    manage,
  );
  if (choice === manage) await vscode.commands.executeCommand("workbench.trust.manage");
}
