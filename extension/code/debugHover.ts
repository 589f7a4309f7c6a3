import * as vscode from "vscode";
import { LOOK } from "../../runtime/protocol/look.ts";

/** A name and the names behind it: nothing whose evaluation calls a function of the script. */
const NAMES = /(?<![\w$.])[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)*/;
const NAME = /[\w$]+/;

/** Has a debugger's hover look at tensors: their elements are on the GPU, where it cannot read. */
export class DebugHover implements vscode.EvaluatableExpressionProvider {
  provideEvaluatableExpression(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): vscode.EvaluatableExpression | undefined {
    const names = document.getWordRangeAtPosition(position, NAMES);
    const name = document.getWordRangeAtPosition(position, NAME);
    if (!names || !name) return undefined;
    const range = names.with({ end: name.end });
    return new vscode.EvaluatableExpression(range, lookedAt(document.getText(range)));
  }
}

/** An expression with the value of another one, which is looked at if it is a tensor. */
function lookedAt(expression: string): string {
  return `(globalThis[Symbol.for("${LOOK}")] ?? (value => value))(${expression})`;
}
