import * as vscode from "vscode";
import { Command, SECTION, Setting } from "../contributed.ts";
import type { FindingDiagnostics, PlacedFinding } from "./findingDiagnostics.ts";
import { silencingComment, suggestedText, suggestionEdit } from "./findingFixes.ts";

/** What can be done about a finding, from the light bulb at its mark. */
export class FindingActions implements vscode.CodeActionProvider {
  static readonly metadata = { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] };
  readonly #findings: FindingDiagnostics;

  constructor(findings: FindingDiagnostics) {
    this.#findings = findings;
  }

  provideCodeActions(document: vscode.TextDocument, range: vscode.Range): vscode.CodeAction[] {
    return this.#findings
      .of(document.uri.fsPath)
      .filter(({ diagnostic }) => diagnostic.range.intersection(range))
      .flatMap(placed => [
        ...suggestionActions(document, placed),
        ...otherActions(document, placed),
      ]);
  }
}

/** Follow the suggestion, and train again with it. */
function suggestionActions(
  document: vscode.TextDocument,
  { finding, setting, diagnostic }: PlacedFinding,
): vscode.CodeAction[] {
  const { suggestion } = finding;
  const change = suggestion && setting && suggestionEdit(setting, suggestion);
  if (!change) return [];
  const edit = new vscode.WorkspaceEdit();
  const [start, end] = [document.positionAt(change.start), document.positionAt(change.end)];
  edit.replace(document.uri, new vscode.Range(start, end), change.text);
  const value = suggestedText(suggestion);
  const apply = action(vscode.l10n.t("Change {0} to {1}", suggestion.target, value), diagnostic);
  apply.edit = edit;
  apply.isPreferred = true;
  const again = action(
    vscode.l10n.t("Change {0} to {1} and train again", suggestion.target, value),
    diagnostic,
  );
  again.edit = edit;
  again.command = {
    title: again.title,
    command: Command.trainAgain,
    arguments: [document.uri],
  };
  return [apply, again];
}

/** Look at the evidence, and make the rule be silent. */
function otherActions(
  document: vscode.TextDocument,
  { finding: { code }, diagnostic }: PlacedFinding,
): vscode.CodeAction[] {
  const show = action(vscode.l10n.t("Show the evidence in the panel"), diagnostic);
  show.command = {
    title: show.title,
    command: Command.showPanel,
    arguments: [document.uri],
  };
  const here = action(vscode.l10n.t("Silence {0} here", code), diagnostic);
  const line = document.lineAt(diagnostic.range.start.line);
  here.edit = new vscode.WorkspaceEdit();
  here.edit.insert(document.uri, line.range.start, silencingComment(line.text, code));
  const everywhere = action(vscode.l10n.t("Silence {0} in this workspace", code), diagnostic);
  everywhere.command = {
    title: everywhere.title,
    command: Command.silenceFinding,
    arguments: [code],
  };
  return [show, here, everywhere];
}

function action(title: string, diagnostic: vscode.Diagnostic): vscode.CodeAction {
  const made = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  made.diagnostics = [diagnostic];
  return made;
}

/** Registers the commands of findings: the page that explains a rule, and silence. */
export function registerFindingCommands(extensionUri: vscode.Uri): vscode.Disposable {
  const register = vscode.commands.registerCommand;
  return vscode.Disposable.from(
    register(Command.explainFinding, (code: string) => {
      const page = vscode.Uri.joinPath(extensionUri, "docs", "findings.md");
      // Headings lose their points on the way to their anchors.
      const fragment = code.replace(/\W/g, "").toLowerCase();
      return vscode.commands.executeCommand("markdown.showPreview", page.with({ fragment }));
    }),
    register(Command.silenceFinding, async (code: string) => {
      const settings = vscode.workspace.getConfiguration(SECTION);
      const silenced = settings.get<string[]>(Setting.silencedFindings, []);
      const target = vscode.workspace.workspaceFolders
        ? vscode.ConfigurationTarget.Workspace
        : vscode.ConfigurationTarget.Global;
      await settings.update(
        Setting.silencedFindings,
        [...new Set([...silenced, code])].sort(),
        target,
      );
    }),
  );
}
