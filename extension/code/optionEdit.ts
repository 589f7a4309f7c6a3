/** How a value that was set while a script ran is written into it: edits, without VS Code. */

import { numberText } from "../../runtime/protocol/numberText.ts";
import type { OptionValue } from "../../runtime/protocol/page.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { insertionOf, type SourceEdit } from "./findingFixes.ts";
import {
  findOption,
  type GroupOfOptimizer,
  type Setting,
  type TextSpan,
} from "./hyperparameters.ts";

/** Digits of a number that was set: those of float32. */
const DIGITS = 7;

/** An edit, or why there is none, and where to look. */
export type OptionEdit =
  | { readonly type: "edit"; readonly edit: SourceEdit }
  /** The value is computed, or comes from elsewhere. */
  | { readonly type: "computed"; readonly at: TextSpan }
  /** There is more than one place that it could be. */
  | { readonly type: "several" }
  /** The file does not make what has the option. */
  | { readonly type: "missing" };

/**
 * The edit that gives an option of a run its value in the source of the script.
 *
 * @throws SyntaxError while the source does not parse
 */
export function optionEdit(
  source: string,
  option: OptionValue,
  run: Pick<RunRecord, "tensors" | "options">,
): OptionEdit {
  const setting = findOption(source, option.name, groupOf(option.group, run));
  if (setting === "several") return { type: "several" };
  if (!setting) return { type: "missing" };
  const edit = editOf(setting, option, run);
  return edit ? { type: "edit", edit } : { type: "computed", at: setting };
}

/** The group among those of the optimizers of its class. */
function groupOf(group: number, { tensors }: Pick<RunRecord, "tensors">): GroupOfOptimizer {
  const optimizer = tensors.find(tensor => tensor.group === group)?.optimizer ?? "";
  const ofClass = tensors.filter(tensor => tensor.optimizer === optimizer);
  const groups = [...new Set(ofClass.map(tensor => tensor.group))];
  return { optimizer, group: groups.indexOf(group), groups: groups.length };
}

function editOf(
  setting: Setting,
  { group, name, value }: OptionValue,
  { options = [] }: Pick<RunRecord, "options">,
): SourceEdit | undefined {
  const text = numberText(value, DIGITS);
  const { kind, start, end, value: literal, elements } = setting;
  switch (name) {
    case "beta1":
    case "beta2": {
      const place = name === "beta1" ? 0 : 1;
      const element = elements?.[place];
      if (element) return { start: element.start, end: element.end, text };
      const own = (beta: "beta1" | "beta2") =>
        options.find(option => option.group === group && option.name === beta)?.own ?? Number.NaN;
      const betas = [own("beta1"), own("beta2")].map(beta => numberText(beta, DIGITS));
      return insertionOf(setting, `[${betas.with(place, text).join(", ")}]`);
    }
    case "lrFactor":
      if (kind !== "literal" || literal === undefined) return undefined;
      return { start, end, text: numberText(literal * value, DIGITS) };
    default:
      if (kind === "literal" && literal !== undefined) return { start, end, text };
      return insertionOf(setting, text);
  }
}
