import * as vscode from "vscode";

/** `after 1 run`, `after 2 runs`: who has to end before a script that waits. */
export function queueText(before: number): string {
  return before === 1 ? vscode.l10n.t("after 1 run") : vscode.l10n.t("after {0} runs", before);
}
