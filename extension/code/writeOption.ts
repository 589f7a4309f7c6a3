import { basename } from "node:path";
import * as vscode from "vscode";
import { OPTION_LABELS } from "../../runtime/protocol/control.ts";
import type { OptionValue } from "../../runtime/protocol/page.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { type OptionEdit, optionEdit } from "./optionEdit.ts";

/**
 * Writes a value that was set while a script ran into the script, as an edit that the user sees and
 * confirms before it is made. Without an option the user chooses one of those that were set.
 */
export async function writeOption(run: RunRecord, option?: OptionValue): Promise<void> {
  const chosen = option ?? (await askOption(run));
  if (!chosen) return;
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(run.script));
  const found = tryEdit(document.getText(), chosen, run);
  if (found?.type !== "edit") {
    await tellWhyNot(document, chosen, found);
    return;
  }
  const { edit } = found;
  const range = new vscode.Range(document.positionAt(edit.start), document.positionAt(edit.end));
  const label = vscode.l10n.t("{0} as it was set in the run", OPTION_LABELS[chosen.name]);
  const change = new vscode.WorkspaceEdit();
  change.replace(document.uri, range, edit.text, { needsConfirmation: true, label });
  await vscode.workspace.applyEdit(change, { isRefactoring: true });
}

/** Undefined while the source does not parse. */
function tryEdit(source: string, option: OptionValue, run: RunRecord): OptionEdit | undefined {
  try {
    return optionEdit(source, option, run);
  } catch {
    return undefined;
  }
}

/** One of the options that were set; undefined if there is none, or if the user thinks better of it. */
async function askOption({ script, options = [] }: RunRecord): Promise<OptionValue | undefined> {
  const groups = new Set(options.map(({ group }) => group)).size;
  const scaled = options.filter(({ name, value, own }) => name === "lrFactor" && value !== own);
  const items = options
    // What a factor has made of the rate is not what was set.
    .filter(({ name, group }) => name !== "lr" || !scaled.some(each => each.group === group))
    .filter(({ value, own }) => value !== own)
    .map(({ group, name, value, own }) => ({
      label: `${OPTION_LABELS[name]} ${own} → ${value}`,
      description: groups > 1 ? vscode.l10n.t("group {0}", group) : "",
      option: { group, name, value },
    }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t("Nothing of {0} was set to another value while it ran.", basename(script)),
    );
    return undefined;
  }
  const title = vscode.l10n.t("Write a value into {0}", basename(script));
  return (await vscode.window.showQuickPick(items, { title }))?.option;
}

async function tellWhyNot(
  document: vscode.TextDocument,
  { name, value }: OptionValue,
  found: Exclude<OptionEdit, { type: "edit" }> | undefined,
): Promise<void> {
  const [file, label] = [basename(document.fileName), OPTION_LABELS[name]];
  if (found?.type === "computed") {
    const at = document.positionAt(found.at.start);
    const show = vscode.l10n.t("Show");
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t(
        "{0} is not a number that stands in {1}: it is computed, or comes from elsewhere, at line {2}. Write {3} there yourself.",
        label,
        file,
        at.line + 1,
        value,
      ),
      show,
    );
    const selection = new vscode.Range(at, document.positionAt(found.at.end));
    if (answer === show) await vscode.window.showTextDocument(document, { selection });
    return;
  }
  void vscode.window.showWarningMessage(
    found === undefined
      ? vscode.l10n.t("{0} does not parse: {1} cannot be written into it now.", file, label)
      : found.type === "several"
        ? vscode.l10n.t(
            "{0} has several places that could set {1}: it cannot be told which one is meant.",
            file,
            label,
          )
        : vscode.l10n.t("{0} does not set {1}: what has it is made in another file.", file, label),
  );
}
