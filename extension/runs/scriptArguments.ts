import { basename } from "node:path";
import * as vscode from "vscode";
import { splitArguments } from "./commandLine.ts";

/** The arguments that each script of the workspace is trained with, as they were typed. */
export class ScriptArguments {
  readonly #memory: vscode.Memento;

  /** `memory`: that of the workspace. */
  constructor(memory: vscode.Memento) {
    this.#memory = memory;
  }

  /** Arguments as they were typed; an empty text where none were. */
  text(script: string): string {
    return this.#memory.get(key(script), "");
  }

  /** The arguments of a script, one by one. */
  of(script: string): string[] {
    return splitArguments(this.text(script));
  }

  /** Asks for a script's arguments and remembers them. False where that was cancelled. */
  async ask(script: string): Promise<boolean> {
    const text = await vscode.window.showInputBox({
      title: vscode.l10n.t("Arguments of {0}", basename(script)),
      prompt: vscode.l10n.t("They stay with the file; quotes hold spaces together."),
      placeHolder: "--lr 1e-3",
      value: this.text(script),
      validateInput: typed => {
        try {
          splitArguments(typed);
          return undefined;
        } catch (error) {
          return error instanceof Error ? error.message : String(error);
        }
      },
    });
    if (text === undefined) return false;
    await this.#memory.update(key(script), text.trim() || undefined);
    return true;
  }
}

function key(script: string): string {
  return `arguments:${script}`;
}
