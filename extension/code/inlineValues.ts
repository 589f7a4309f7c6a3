import * as vscode from "vscode";
import { SECTION, Setting } from "../contributed.ts";
import { formatLoss, formatRate } from "../format.ts";
import type { Runs } from "../runs/runs.ts";
import { Throttle } from "../throttle.ts";
import { RunValues } from "./runValues.ts";
import type { Layer } from "./training.ts";
import type { TrainingDocuments } from "./trainingDocuments.ts";

/** Shortest time between two changes of what stands at the lines, in milliseconds. */
const REFRESH_INTERVAL_MS = 500;

/** A text behind the end of a line, counted from 1. */
interface LineText {
  readonly line: number;
  readonly text: string;
}

/**
 * What a script's run has measured last, behind the lines that it belongs to: the loss behind
 * `backward()`, the update behind `step()`, step sizes behind the layers. It goes when the file is
 * edited, because the process that trains has not read the edit, and comes with the next run.
 */
export class InlineValues implements vscode.Disposable {
  readonly #documents: TrainingDocuments;
  readonly #values = new Map<string, RunValues>();
  readonly #decoration = vscode.window.createTextEditorDecorationType({
    after: { color: new vscode.ThemeColor("editorCodeLens.foreground"), margin: "0 0 0 3em" },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  readonly #refresh = new Throttle(REFRESH_INTERVAL_MS, () => void this.#show());
  readonly #subscriptions: vscode.Disposable;

  constructor(documents: TrainingDocuments, runs: Runs) {
    this.#documents = documents;
    this.#subscriptions = vscode.Disposable.from(
      this.#decoration,
      this.#refresh,
      runs.onDidStart(run => {
        const values = new RunValues(run);
        this.#values.set(run.script, values);
        const steps: RunValues["steps"] = batch => {
          values.steps(batch);
          this.#refresh.call();
        };
        run.listen({ steps, run: () => {}, log: () => {}, metric: () => {} });
      }),
      vscode.window.onDidChangeVisibleTextEditors(() => this.#refresh.call()),
      vscode.workspace.onDidChangeConfiguration(event => {
        if (event.affectsConfiguration(SECTION)) this.#refresh.call();
      }),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length === 0 || !this.#values.delete(document.uri.fsPath)) return;
        for (const editor of vscode.window.visibleTextEditors) {
          if (editor.document === document) editor.setDecorations(this.#decoration, []);
        }
      }),
    );
  }

  /** What is shown of a script's run; undefined where nothing is. */
  of(script: string): RunValues | undefined {
    return this.#values.get(script);
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  async #show(): Promise<void> {
    for (const editor of vscode.window.visibleTextEditors) {
      const { document } = editor;
      const values = this.#values.get(document.uri.fsPath);
      if (!values) continue;
      const { version } = document;
      const lines = await this.#lines(document, values);
      // An edit has cleared it meanwhile.
      if (document.version !== version) continue;
      editor.setDecorations(
        this.#decoration,
        lines.map(line => behind(document, line)),
      );
    }
  }

  async #lines(document: vscode.TextDocument, values: RunValues): Promise<LineText[]> {
    if (values.step === 0) return [];
    const training = await this.#documents.find(document);
    if (!training) return [];
    const settings = vscode.workspace.getConfiguration(SECTION, document);
    const at = (lines: readonly number[], text: string): LineText[] =>
      lines.map(line => ({ line, text }));
    return [
      ...(settings.get(Setting.inlineLoss, true)
        ? at(training.backwardLines, lossText(values))
        : []),
      ...(settings.get(Setting.inlineStep, true) ? at(training.stepLines, stepText(values)) : []),
      ...(settings.get(Setting.inlineLayers, false) ? layerTexts(values, training.layers) : []),
    ];
  }
}

/** `loss 0.231 ▇▅▃▂▁` */
function lossText(values: RunValues): string {
  return vscode.l10n.t("loss {0} {1}", formatLoss(values.value("loss")), values.sparkline);
}

/** `‖g‖ 1.20 · step:weight 1.1e-3 · η 0.002` */
function stepText(values: RunValues): string {
  return vscode.l10n.t(
    "‖g‖ {0} · step:weight {1} · η {2}",
    formatRate(values.value("gradNorm")),
    formatRate(values.value("stepToWeight")),
    values.rates.map(formatRate).join(", "),
  );
}

/** `0.weight |Δθ| 2e-4 · 0.bias |Δθ| 1.9e-4`: the median step of an element, tensor by tensor. */
function layerTexts(values: RunValues, layers: readonly Layer[]): LineText[] {
  const lines = new Map<number, string[]>();
  for (const { line, path } of layers) {
    const texts = values.tensorsOf(path).map(tensor => {
      const name = values.run.record.tensors[tensor]?.name ?? "";
      return `${name} |Δθ| ${formatRate(values.tensorValue(tensor, "stepSizeP50"))}`;
    });
    if (texts.length > 0) lines.set(line, [...(lines.get(line) ?? []), ...texts]);
  }
  return [...lines].map(([line, texts]) => ({ line, text: texts.join(" · ") }));
}

function behind(document: vscode.TextDocument, { line, text }: LineText): vscode.DecorationOptions {
  const { end } = document.lineAt(Math.min(line, document.lineCount) - 1).range;
  return {
    range: new vscode.Range(end, end),
    renderOptions: { after: { contentText: text } },
  };
}
