import * as vscode from "vscode";
import type { StepColumn } from "../../runtime/protocol/steps.ts";
import { formatCount, formatLoss, formatRate } from "../format.ts";
import type { InlineValues } from "./inlineValues.ts";
import { chartAddress } from "./lossChart.ts";
import type { RunValues } from "./runValues.ts";
import type { TrainingDocuments } from "./trainingDocuments.ts";

/** Tensors in the table; the panel has all of them. */
const MOST_TENSORS = 12;

const COLORS = {
  light: { line: "#1a85ff", text: "#555555" },
  dark: { line: "#3794ff", text: "#bbbbbb" },
} as const;

/** Over `backward()` and `step()`: the curve of the loss, and the numbers of the last step. */
export class ValueHover implements vscode.HoverProvider {
  readonly #documents: TrainingDocuments;
  readonly #values: InlineValues;

  constructor(documents: TrainingDocuments, values: InlineValues) {
    this.#documents = documents;
    this.#values = values;
  }

  async provideHover(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): Promise<vscode.Hover | undefined> {
    const values = this.#values.of(document.uri.fsPath);
    if (!values || values.step === 0) return undefined;
    const training = await this.#documents.find(document);
    const line = position.line + 1;
    const measured = [...(training?.backwardLines ?? []), ...(training?.stepLines ?? [])];
    if (!measured.includes(line)) return undefined;
    return new vscode.Hover(new vscode.MarkdownString(hoverText(values)));
  }
}

function hoverText(values: RunValues): string {
  const { kind } = vscode.window.activeColorTheme;
  const isLight =
    kind === vscode.ColorThemeKind.Light || kind === vscode.ColorThemeKind.HighContrastLight;
  const chart = chartAddress(values.losses, isLight ? COLORS.light : COLORS.dark);
  const step = vscode.l10n.t("Step {0}", formatCount(values.step));
  return [
    `![${vscode.l10n.t("Loss")}](${chart})`,
    table([step, ""], stepRows(values)),
    table([vscode.l10n.t("Tensor"), "‖g‖", "step:weight", "η/(√v̂+ε)", "|Δθ|"], tensorRows(values)),
  ].join("\n\n");
}

function stepRows(values: RunValues): string[][] {
  const rate = (column: StepColumn): string => formatRate(values.value(column));
  const rows = [
    [vscode.l10n.t("loss"), formatLoss(values.value("loss"))],
    [vscode.l10n.t("gradient norm ‖g‖"), rate("gradNorm")],
    [vscode.l10n.t("step : weight"), rate("stepToWeight")],
    [vscode.l10n.t("learning rate η"), values.rates.map(formatRate).join(", ")],
    [vscode.l10n.t("travel ‖θ − θ₀‖ / ‖θ₀‖"), rate("travel")],
    [vscode.l10n.t("Adam gain"), rate("adamGain")],
  ];
  // What the optimizer does not define is not a number.
  return rows.filter(([, value]) => value !== "NaN");
}

function tensorRows(values: RunValues): string[][] {
  const { tensors } = values.run.record;
  const rows = tensors
    .slice(0, MOST_TENSORS)
    .map(({ name }, i) => [
      `\`${name}\``,
      ...(["gradNorm", "stepToWeight", "effectiveLrP50", "stepSizeP50"] as const).map(column =>
        formatRate(values.tensorValue(i, column)),
      ),
    ]);
  const more = tensors.length - rows.length;
  return more > 0
    ? [...rows, [vscode.l10n.t("{0} more in the panel", more), "", "", "", ""]]
    : rows;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map(cell => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = `| ${head.map((_, i) => (i === 0 ? ":--" : "--:")).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
