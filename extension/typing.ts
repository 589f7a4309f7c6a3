import * as vscode from "vscode";

/** Time from the last key for which someone counts as typing, in milliseconds. */
const PAUSE_MS = 1000;

/**
 * Whether someone types in an editor of this window. What is drawn and computed beside it can wait then: on
 * few cores it takes the time in which keys are drawn.
 */
export class Typing implements vscode.Disposable {
  readonly onDidChange: vscode.Event<void>;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #keys: vscode.Disposable;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    this.onDidChange = this.#changed.event;
    this.#keys = vscode.window.onDidChangeTextEditorSelection(({ kind }) => {
      if (kind === vscode.TextEditorSelectionChangeKind.Keyboard) this.#key();
    });
  }

  get isOn(): boolean {
    return this.#timer !== undefined;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#keys.dispose();
    this.#changed.dispose();
  }

  #key(): void {
    if (this.#timer) {
      this.#timer.refresh();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#changed.fire();
    }, PAUSE_MS);
    this.#changed.fire();
  }
}
