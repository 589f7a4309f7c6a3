/** What to say of a finding, and what to write instead: texts and edits, without VS Code. */
import { type Finding, type Suggestion, suggestedText } from "../../runtime/protocol/finding.ts";
import { formatRate } from "../format.ts";
import type { Setting } from "./hyperparameters.ts";

/** Starts a comment that silences rules on its own line, or on the line below it. */
const SILENCE = "stepscope-ignore";

/** A text that takes the place of another, told by offsets from the start of the source. */
export interface SourceEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The edit that follows a suggestion; undefined where nothing in the source can be replaced. */
export function suggestionEdit(setting: Setting, suggestion: Suggestion): SourceEdit | undefined {
  const text = suggestedText(suggestion);
  const { kind, start, end, value } = setting;
  return kind === "literal" && value !== undefined
    ? { start, end, text }
    : insertionOf(setting, text);
}

/** The edit that gives an option that is not given yet; undefined where that cannot be done. */
export function insertionOf({ insert }: Setting, text: string): SourceEdit | undefined {
  if (!insert) return undefined;
  return { start: insert.at, end: insert.at, text: insert.before + text + insert.after };
}

/** A finding in a few words: `lr ≈ 5× too high`, or else its title. */
export function shortVerdict({ title, suggestion }: Finding): string {
  if (!suggestion || !(suggestion.from > 0) || !(suggestion.to > 0)) return title;
  const ratio = suggestion.from / suggestion.to;
  const times = (factor: number): string =>
    formatRate(Number(factor.toPrecision(factor < 10 ? 1 : 2)));
  return ratio >= 1
    ? `${suggestion.target} ≈ ${times(ratio)}× too high`
    : `${suggestion.target} ≈ ${times(1 / ratio)}× too low`;
}

/** Whether a comment at a line (counted from 0), or at the one above, silences a rule. */
export function isSilenced(lines: readonly string[], line: number, code: string): boolean {
  return [lines[line], lines[line - 1]?.trim().startsWith("//") ? lines[line - 1] : ""].some(
    text => {
      const [, comment] = text?.split(SILENCE, 2) ?? [];
      if (comment === undefined) return false;
      const codes = comment.split(/[\s,]+/).filter(Boolean);
      return codes.some(each => each === code || code.startsWith(`${each}.`));
    },
  );
}

/** The comment that silences a rule, for a line above `line`. */
export function silencingComment(line: string, code: string): string {
  const indentation = /^\s*/.exec(line)?.[0] ?? "";
  return `${indentation}// ${SILENCE} ${code}\n`;
}
