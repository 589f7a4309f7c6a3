import * as vscode from "vscode";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { Command, ContextKey, WALKTHROUGH } from "../contributed.ts";
import type { Panel } from "../panel/panel.ts";
import type { LiveRun } from "../runs/liveRun.ts";
import type { Runs } from "../runs/runs.ts";
import { comparesOptimizers, type Milestone, ScriptMilestones } from "./milestones.ts";

/** The walkthrough's commands, and the context keys by which its steps are done. */
export class Walkthrough implements vscode.Disposable {
  readonly #scripts = new Map<string, ScriptMilestones>();
  readonly #reached = new Set<Milestone>();
  readonly #subscriptions: vscode.Disposable;

  constructor(extension: vscode.Extension<unknown>, runs: Runs, panel: Panel) {
    const examples = vscode.Uri.joinPath(extension.extensionUri, "examples");
    const register = vscode.commands.registerCommand;
    this.#subscriptions = vscode.Disposable.from(
      register(Command.openWalkthrough, async () => {
        const { executeCommand } = vscode.commands;
        // It opens in the group that has the focus, which may be that of the panel.
        await executeCommand("workbench.action.focusFirstEditorGroup");
        await executeCommand("workbench.action.openWalkthrough", `${extension.id}#${WALKTHROUGH}`);
      }),
      register(Command.openExample, async (name?: unknown) => {
        const { openExample } = await import("./examples.ts");
        await openExample(examples, name);
      }),
      runs.onDidStart(run => this.#follow(run)),
      panel.onDidCompare(folders => void this.#compared(folders)),
    );
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #follow(run: LiveRun): void {
    const { script } = run;
    const known = this.#scripts.get(script);
    const milestones = known ?? new ScriptMilestones(milestone => this.#reach(milestone));
    this.#scripts.set(script, milestones);
    milestones.begin();
    run.listen({
      run: record => milestones.record(record),
      steps: batch => milestones.steps(batch),
      picture: picture => milestones.picture(picture),
      log: () => {},
      metric: () => {},
    });
  }

  async #compared(folders: readonly string[]): Promise<void> {
    const { openRun } = await import("../../runtime/store/reader.ts");
    const records = folders.flatMap((folder): RunRecord[] => {
      try {
        const reader = openRun(folder);
        const record = reader.record();
        reader.close();
        return [record];
      } catch {
        // It was deleted meanwhile.
        return [];
      }
    });
    if (comparesOptimizers(records)) this.#reach("compared");
  }

  #reach(milestone: Milestone): void {
    if (this.#reached.has(milestone)) return;
    this.#reached.add(milestone);
    void vscode.commands.executeCommand("setContext", ContextKey[milestone], true);
  }
}
