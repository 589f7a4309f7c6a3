import * as vscode from "vscode";
import { liveChange } from "../../runtime/protocol/control.ts";
import { isOpen, saysNonFinite, suggestedText } from "../../runtime/protocol/finding.ts";
import { Command, SECTION, Setting } from "../contributed.ts";
import type { Runs } from "../runs/runs.ts";
import type { FindingDiagnostics, PlacedFinding } from "./findingDiagnostics.ts";
import { type SourceEdit, silencingComment, suggestionEdit } from "./findingFixes.ts";

/** What can be done about a finding, from the light bulb at its mark. */
export class FindingActions implements vscode.CodeActionProvider {
  static readonly metadata = { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] };
  readonly #findings: FindingDiagnostics;
  readonly #runs: Runs;

  constructor(findings: FindingDiagnostics, runs: Runs) {
    this.#findings = findings;
    this.#runs = runs;
  }

  async provideCodeActions(
    document: vscode.TextDocument,
    range: vscode.Range,
  ): Promise<vscode.CodeAction[]> {
    const { fsPath } = document.uri;
    const isRunning = this.#runs.of(fsPath)?.active === true;
    const meant = this.#findings
      .of(fsPath)
      .filter(({ diagnostic }) => diagnostic.range.intersection(range));
    const actions = meant.map(async placed => [
      ...suggestionActions(document, placed),
      ...(await fixActions(document, placed)),
      ...(isRunning ? liveActions(document, placed) : []),
      ...otherActions(document, placed),
    ]);
    return (await Promise.all(actions)).flat();
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
  const edit = workspaceEdit(document, change);
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

/** Mend a fault of the loop. */
async function fixActions(
  document: vscode.TextDocument,
  { finding, diagnostic }: PlacedFinding,
): Promise<vscode.CodeAction[]> {
  const { loopFix } = await import("./loopFixes.ts");
  try {
    const fix = loopFix(document.getText(), finding);
    if (!fix) return [];
    const write = action(vscode.l10n.t("Write {0}", fix.words), diagnostic);
    write.edit = workspaceEdit(document, fix.edit);
    write.isPreferred = true;
    return [write];
  } catch {
    // It does not parse while one types.
    return [];
  }
}

function workspaceEdit(
  document: vscode.TextDocument,
  { start, end, text }: SourceEdit,
): vscode.WorkspaceEdit {
  const edit = new vscode.WorkspaceEdit();
  const range = new vscode.Range(document.positionAt(start), document.positionAt(end));
  edit.replace(document.uri, range, text);
  return edit;
}

/** Follow the suggestion in the loop that runs: the source stays as it is. */
function liveActions(
  { uri }: vscode.TextDocument,
  { finding, diagnostic }: PlacedFinding,
): vscode.CodeAction[] {
  const change = liveChange(finding);
  const locate = saysNonFinite(finding) ? [locateAction(uri, diagnostic)] : [];
  if (!change) return locate;
  const live = action(
    vscode.l10n.t("Use {0} = {1} from the next step on", change.name, String(change.value)),
    diagnostic,
  );
  live.command = {
    title: live.title,
    command: Command.applyFinding,
    arguments: [uri, finding.id],
  };
  return [live, ...locate];
}

/** Go back, and see which operation made the first number that is not finite. */
function locateAction(uri: vscode.Uri, diagnostic: vscode.Diagnostic): vscode.CodeAction {
  const locate = action(vscode.l10n.t("Find where it begins"), diagnostic);
  locate.command = { title: locate.title, command: Command.locateNonFinite, arguments: [uri] };
  return locate;
}

/** Measure a rate instead, look at the evidence, and make the rule be silent. */
function otherActions(
  document: vscode.TextDocument,
  { finding: { code, suggestion }, diagnostic }: PlacedFinding,
): vscode.CodeAction[] {
  const find = action(vscode.l10n.t("Find a learning rate by short runs"), diagnostic);
  find.command = {
    title: find.title,
    command: Command.findLearningRate,
    arguments: [document.uri],
  };
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
  const isOfRate = suggestion?.target === "lr";
  return [...(isOfRate ? [find] : []), show, here, everywhere];
}

function action(title: string, diagnostic: vscode.Diagnostic): vscode.CodeAction {
  const made = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  made.diagnostics = [diagnostic];
  return made;
}

/** Registers the commands of findings: explain a rule, silence it, go to it, follow it while it runs. */
export function registerFindingCommands(
  extensionUri: vscode.Uri,
  findings: FindingDiagnostics,
  runs: Runs,
): vscode.Disposable {
  const register = vscode.commands.registerCommand;
  return vscode.Disposable.from(
    register(Command.explainFinding, (code: string) => {
      const page = vscode.Uri.joinPath(extensionUri, "docs", "findings.md");
      // Headings lose their points on the way to their anchors.
      const fragment = code.replace(/\W/g, "").toLowerCase();
      return vscode.commands.executeCommand("markdown.showPreview", page.with({ fragment }));
    }),
    register(Command.revealFinding, async (script: vscode.Uri, id: string) => {
      // What is silenced, or was edited since, has no place.
      const placed = findings.of(script.fsPath).find(({ finding }) => finding.id === id);
      await vscode.window.showTextDocument(script, {
        viewColumn: vscode.ViewColumn.One,
        ...(placed && { selection: placed.diagnostic.range }),
      });
    }),
    register(Command.applyFinding, (script: vscode.Uri, id: string) => {
      const record = runs.of(script.fsPath)?.record;
      const finding = record?.findings.find(each => each.id === id && isOpen(each));
      const change = finding && liveChange(finding);
      if (change) runs.control(script.fsPath, change);
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
