import { basename } from "node:path";
import * as vscode from "vscode";
import type { LearningRateProbe } from "../../runtime/protocol/probe.ts";
import { formatLoss, formatRate } from "../format.ts";
import type { Runs } from "../runs/runs.ts";
import { suggestionEdit } from "./findingFixes.ts";
import { LossCurve, sparkline } from "./lossCurve.ts";

/** Bars of the small picture, at least; up to twice as many. */
const PICTURE_BARS = 12;

/**
 * Tries learning rates on a file, says which one is suggested, and writes it in on request.
 *
 * @param args the script's own arguments
 * @returns what was found, before the user answers; undefined where that is nothing
 */
export async function searchLearningRate(
  runs: Runs,
  uri: vscode.Uri,
  args: readonly string[],
): Promise<LearningRateProbe | undefined> {
  const script = uri.fsPath;
  try {
    const found = await vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: vscode.l10n.t("Finding a learning rate for {0}", basename(script)),
        cancellable: true,
      },
      (progress, token) => {
        const abort = new AbortController();
        token.onCancellationRequested(() => abort.abort());
        const show = ({ last, steps }: LearningRateProbe): void => {
          const message = vscode.l10n.t(
            "η {0}, loss {1}",
            last.lr.toExponential(0).replace("e+", "e"),
            formatLoss(last.loss),
          );
          progress.report({ message, increment: 100 / steps });
        };
        return runs.tryLearningRates(script, args, show, abort.signal);
      },
    );
    if (found) void tell(uri, found);
    return found;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(
      vscode.l10n.t("No learning rate was found for {0}: {1}", basename(script), why),
    );
    return undefined;
  }
}

/** Shows the suggestion with a small picture of the losses, and follows it if the user wants that. */
async function tell(
  uri: vscode.Uri,
  { range, trials, suggestion, lr }: LearningRateProbe,
): Promise<void> {
  const { curve } = range;
  const [first, last] = [curve[0]?.lr ?? Number.NaN, curve.at(-1)?.lr ?? Number.NaN];
  const picture = `${formatRate(first)} ${pictureOf(curve.map(({ loss }) => loss))} ${formatRate(last)}`;
  if (suggestion === undefined) {
    void vscode.window.showWarningMessage(
      vscode.l10n.t("No learning rate made the loss fall: {0}", picture),
    );
    return;
  }
  const write = vscode.l10n.t("Write It In");
  const reason =
    trials.length > 2
      ? vscode.l10n.t(
          "Of {0} that were tried from the start its loss fell furthest.",
          // The first is at a rate of 0.
          trials.length - 1,
        )
      : vscode.l10n.t("It is a tenth of the one at which the loss was smallest.");
  const message = vscode.l10n.t(
    "Try a learning rate of {0}; the file has {1}. {2} Loss by learning rate: {3}",
    formatRate(suggestion),
    formatRate(lr),
    reason,
    picture,
  );
  const answer = await vscode.window.showInformationMessage(message, write);
  if (answer === write) await writeIn(uri, lr, suggestion);
}

function pictureOf(losses: readonly number[]): string {
  const curve = new LossCurve(PICTURE_BARS);
  for (const loss of losses) curve.add(loss);
  return sparkline(curve.means());
}

/** Puts the rate where the file sets it; shows the optimizer where it cannot. */
async function writeIn(uri: vscode.Uri, from: number, to: number): Promise<void> {
  const { findSetting } = await import("./hyperparameters.ts");
  const document = await vscode.workspace.openTextDocument(uri);
  const setting = findSetting(document.getText(), "lr");
  if (!setting) return;
  const change = suggestionEdit(setting, { target: "lr", from, to, range: [to, to] });
  const span = change ?? setting;
  const range = new vscode.Range(document.positionAt(span.start), document.positionAt(span.end));
  if (change) {
    const edit = new vscode.WorkspaceEdit();
    edit.replace(uri, range, change.text);
    await vscode.workspace.applyEdit(edit);
  }
  await vscode.window.showTextDocument(document, { selection: range });
}
