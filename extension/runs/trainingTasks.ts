import { basename, resolve } from "node:path";
import * as vscode from "vscode";
import { installedCommand } from "../../runtime/client/installed.ts";
import type { TrainingDocuments } from "../code/trainingDocuments.ts";
import { TASK_TYPE } from "../contributed.ts";
import { nodeForScript } from "./nodeForScript.ts";

interface TrainingTask extends vscode.TaskDefinition {
  /** The training file, absolute or relative to the folder of the workspace. */
  readonly file: string;
  readonly args?: readonly string[];
}

/** Training as a task: in the task's terminal, as `stepscope train` does it. */
export class TrainingTasks implements vscode.TaskProvider {
  readonly #documents: TrainingDocuments;
  readonly #cli: string;

  /** `cli`: the entry of the command line, for projects that have none of their own. */
  constructor(documents: TrainingDocuments, cli: string) {
    this.#documents = documents;
    this.#cli = cli;
  }

  /** One task for each training file that can be seen. */
  async provideTasks(): Promise<vscode.Task[]> {
    const tasks: vscode.Task[] = [];
    for (const { document } of vscode.window.visibleTextEditors) {
      const folder = vscode.workspace.getWorkspaceFolder(document.uri);
      if (!folder || !(await this.#documents.find(document))) continue;
      const file = vscode.workspace.asRelativePath(document.uri, false);
      tasks.push(await this.#task({ type: TASK_TYPE, file }, folder));
    }
    return tasks;
  }

  /** Completes a task of the user's tasks.json. */
  async resolveTask({ definition, scope }: vscode.Task): Promise<vscode.Task | undefined> {
    if (!isTrainingTask(definition)) return undefined;
    const folder = typeof scope === "object" ? scope : vscode.workspace.workspaceFolders?.[0];
    return folder && this.#task(definition, folder);
  }

  async #task(definition: TrainingTask, folder: vscode.WorkspaceFolder): Promise<vscode.Task> {
    const { file, args = [] } = definition;
    const script = resolve(folder.uri.fsPath, file);
    const execution = new vscode.ProcessExecution(
      await nodeForScript(script),
      [
        installedCommand(script) ?? this.#cli,
        "train",
        script,
        ...(args.length > 0 ? ["--", ...args] : []),
      ],
      { cwd: folder.uri.fsPath },
    );
    const name = vscode.l10n.t("train {0}", basename(file));
    return new vscode.Task(definition, folder, name, TASK_TYPE, execution, [`$${TASK_TYPE}`]);
  }
}

function isTrainingTask(definition: vscode.TaskDefinition): definition is TrainingTask {
  return definition.type === TASK_TYPE && typeof definition.file === "string";
}
