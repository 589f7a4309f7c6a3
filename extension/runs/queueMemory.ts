import { basename } from "node:path";
import * as vscode from "vscode";

const KEY = "queue";

/** The scripts that the user has told to train and that wait for their turn, kept for the window after a reload. */
export class QueueMemory {
  readonly #memory: vscode.Memento;

  /** `memory`: that of the workspace. */
  constructor(memory: vscode.Memento) {
    this.#memory = memory;
  }

  add(script: string): void {
    void this.#memory.update(KEY, [...this.#scripts, script]);
  }

  remove(script: string): void {
    if (!this.#scripts.includes(script)) return;
    const others = this.#scripts.filter(each => each !== script);
    void this.#memory.update(KEY, others.length > 0 ? others : undefined);
  }

  /**
   * Takes out what the window before has left behind. Where nothing is left to wait for, the user is asked:
   * no code runs because a window is opened.
   *
   * @param isBusy whether something trains
   */
  async take(isBusy: boolean): Promise<readonly string[]> {
    const scripts = this.#scripts;
    if (scripts.length === 0 || !vscode.workspace.isTrusted) return [];
    const isWanted = isBusy || (await isAgreed(scripts));
    await this.#memory.update(KEY, undefined);
    return isWanted ? scripts : [];
  }

  get #scripts(): readonly string[] {
    return this.#memory.get<readonly string[]>(KEY, []);
  }
}

async function isAgreed(scripts: readonly string[]): Promise<boolean> {
  const train = vscode.l10n.t("Train");
  const names = scripts.map(script => basename(script)).join(", ");
  const question = vscode.l10n.t("{0} waited to train when this window was closed.", names);
  return (await vscode.window.showInformationMessage(question, train)) === train;
}
