import * as vscode from "vscode";
import { ErrorDiagnostics } from "./code/errorDiagnostics.ts";
import { FindingActions, registerFindingCommands } from "./code/findingActions.ts";
import { FindingDiagnostics } from "./code/findingDiagnostics.ts";
import { InlineValues } from "./code/inlineValues.ts";
import { SilencedFindings } from "./code/silencedFindings.ts";
import { TrainingDocuments } from "./code/trainingDocuments.ts";
import { TrainingLens } from "./code/trainingLens.ts";
import { ValueHover } from "./code/valueHover.ts";
import { registerCommands } from "./commands.ts";
import { ContextKeys } from "./contextKeys.ts";
import { PANEL_VIEW_TYPE, RUN_SOURCE, TASK_TYPE, TRAINING_FILES } from "./contributed.ts";
import { Panel } from "./panel/panel.ts";
import { reportFailure } from "./runs/failures.ts";
import { RunOutput } from "./runs/output.ts";
import { QueueMemory } from "./runs/queueMemory.ts";
import { registerRunCommands } from "./runs/runCommands.ts";
import { RunHistory } from "./runs/runHistory.ts";
import { RunSources } from "./runs/runSources.ts";
import { Runs } from "./runs/runs.ts";
import { RunsTree } from "./runs/runsTree.ts";
import { ScriptArguments } from "./runs/scriptArguments.ts";
import { RunStatusBar } from "./runs/statusBar.ts";
import { StoredRuns } from "./runs/storedRuns.ts";
import { TrainingTasks } from "./runs/trainingTasks.ts";
import { registerTrainingTools } from "./runs/trainingTool.ts";
import { trainOnSave } from "./runs/trainOnSave.ts";
import { Typing } from "./typing.ts";
import { Walkthrough } from "./walkthrough/walkthrough.ts";

/** Wires the parts. What is heavy (the parser, the run store, the client) is loaded when needed. */
export function activate(context: vscode.ExtensionContext): void {
  const runs = new Runs(context.asAbsolutePath("dist/sidecar.js"));
  const stored = new StoredRuns();
  const documents = new TrainingDocuments();
  const output = new RunOutput(runs);
  const history = new RunHistory(runs);
  const silenced = new SilencedFindings();
  const typing = new Typing();
  const panel = new Panel(
    context.extensionUri,
    context.workspaceState,
    runs,
    history,
    silenced,
    typing,
  );
  const scriptArguments = new ScriptArguments(context.workspaceState);
  const lens = new TrainingLens(documents, runs, stored, scriptArguments, silenced);
  const values = new InlineValues(documents, runs);
  const tree = new RunsTree(runs, history);
  const findings = new FindingDiagnostics(documents, runs, silenced);
  const errors = new ErrorDiagnostics();
  context.subscriptions.push(
    runs,
    silenced,
    output,
    typing,
    panel,
    lens,
    values,
    errors,
    findings,
    history,
    tree,
    new RunStatusBar(runs, silenced),
    new ContextKeys(documents, runs),
    registerCommands({
      runs,
      stored,
      panel,
      output,
      scriptArguments,
      queueMemory: new QueueMemory(context.workspaceState),
    }),
    registerRunCommands({ runs, history, tree, panel }),
    trainOnSave(runs),
    new Walkthrough(context.extension, runs, panel),
    registerTrainingTools(runs, stored),
    vscode.tasks.registerTaskProvider(
      TASK_TYPE,
      new TrainingTasks(documents, context.asAbsolutePath("dist/stepscope.js")),
    ),
    vscode.languages.registerCodeLensProvider([...TRAINING_FILES], lens),
    registerFindingCommands(context.extensionUri, findings, runs),
    vscode.languages.registerCodeActionsProvider(
      [...TRAINING_FILES],
      new FindingActions(findings, runs),
      FindingActions.metadata,
    ),
    vscode.languages.registerHoverProvider([...TRAINING_FILES], new ValueHover(documents, values)),
    vscode.workspace.registerTextDocumentContentProvider(RUN_SOURCE, new RunSources()),
    vscode.window.registerWebviewPanelSerializer(PANEL_VIEW_TYPE, panel),
    vscode.workspace.onDidChangeTextDocument(change => documents.edited(change)),
    vscode.workspace.onDidCloseTextDocument(document => documents.forget(document)),
    typing.onDidChange(() => runs.ease(typing.isOn)),
    runs.onDidStart(({ script }) => errors.clear(script)),
    runs.onDidReturn(({ folder }) => panel.refresh(folder)),
    runs.onDidEnd(({ record, script, folder }) => {
      stored.forget(script);
      if (record.status !== "failed" && record.status !== "crashed") return;
      // The store may have more of a crashed run than was sent, or nothing of one that never began.
      panel.refresh(folder);
      void errors.mark(record);
      void reportFailure(record);
    }),
  );
}
