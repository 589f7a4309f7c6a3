import { basename, extname } from "node:path";
import * as vscode from "vscode";
import type { LearningRateProbe } from "../runtime/protocol/probe.ts";
import { Command } from "./contributed.ts";
import type { Panel } from "./panel/panel.ts";
import { reportNotStarted } from "./runs/failures.ts";
import { registerLoopCommands } from "./runs/loopCommands.ts";
import type { RunOutput } from "./runs/output.ts";
import type { QueueMemory } from "./runs/queueMemory.ts";
import { queueText } from "./runs/queueText.ts";
import type { Runs, StartChoice } from "./runs/runs.ts";
import { saved } from "./runs/saved.ts";
import type { ScriptArguments } from "./runs/scriptArguments.ts";
import type { StoredRuns } from "./runs/storedRuns.ts";
import { mayRun } from "./runs/trust.ts";

/** Files that Node and the sidecar's compiler take for modules. */
const SCRIPT_EXTENSIONS: ReadonlySet<string> = new Set([
  ".ts",
  ".mts",
  ".cts",
  ".js",
  ".mjs",
  ".cjs",
]);

/** What the commands act on. */
export interface CommandParts {
  readonly runs: Runs;
  readonly stored: StoredRuns;
  readonly panel: Panel;
  readonly output: RunOutput;
  readonly scriptArguments: ScriptArguments;
  readonly queueMemory: QueueMemory;
}

interface TrainOptions extends StartChoice {
  readonly again?: boolean;
}

/** Registers the commands. Those of a file take its URI, or else the file of the active editor. */
export function registerCommands({
  runs,
  stored,
  panel,
  output,
  scriptArguments,
  queueMemory,
}: CommandParts): vscode.Disposable {
  const register = vscode.commands.registerCommand;
  void restoreQueue();
  return vscode.Disposable.from(
    register(Command.train, (uri?: unknown) => train(target(uri))),
    register(Command.debug, (uri?: unknown) => debug(target(uri))),
    register(Command.trainWithArguments, (uri?: unknown) => trainWithArguments(target(uri))),
    register(Command.trainAgain, (uri?: unknown) => train(target(uri), { again: true })),
    register(Command.trainStepByStep, (uri?: unknown) => train(target(uri), { runTo: 1 })),
    register(Command.findLearningRate, (uri?: unknown) => findLearningRate(target(uri))),
    register(Command.stop, (uri?: unknown) => stop(target(uri))),
    registerLoopCommands(
      runs,
      uri => busyScript(target(uri)),
      (runFolder, part) => panel.look(runFolder, part),
    ),
    register(Command.showPanel, (uri?: unknown) => showPanel(target(uri))),
    register(Command.showOutput, () => output.show()),
    register(Command.resetLayout, () => panel.resetLayout()),
  );

  /**
   * Trains a file; one that trains already is shown, or stopped first (`again`). `how` says how
   * the process is started.
   */
  async function train(
    uri: vscode.Uri | undefined,
    { again = false, ...how }: TrainOptions = {},
  ): Promise<void> {
    if (!mayRun() || !isTrainable(uri)) return;
    const script = uri.fsPath;
    await runs.reattached;
    const { phase } = runs.state(script);
    if (phase === "queued" || (phase !== "idle" && !again)) {
      await showPanel(uri);
      return;
    }
    if (!(await saved(uri))) return;
    const turn = runs.turn(script);
    const isQueued = runs.state(script).phase === "queued";
    if (isQueued) queueMemory.add(script);
    const isTurn = await turn;
    queueMemory.remove(script);
    if (!isTurn) return;
    const starting = vscode.l10n.t("Starting {0}…", basename(script));
    // Who did not have to wait wants to see it; later a panel that was closed stays closed.
    const content = { script, heading: starting, reason: "" };
    if (isQueued) panel.update(content);
    else panel.show(content);
    const progress = { location: vscode.ProgressLocation.Window, title: starting };
    try {
      const run = await vscode.window.withProgress(progress, () =>
        runs.start(script, scriptArguments.of(script), how),
      );
      panel.update({ runFolder: run.folder });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const heading = vscode.l10n.t("{0} could not be started", basename(script));
      panel.update({ script, heading, reason });
      void reportNotStarted(script, reason);
    }
  }

  /** What waited in the window before waits again. */
  async function restoreQueue(): Promise<void> {
    await runs.reattached;
    const scripts = await queueMemory.take(runs.busyScripts.length > 0);
    for (const script of scripts) void train(vscode.Uri.file(script));
  }

  /** Trains with breakpoints. */
  async function debug(uri: vscode.Uri | undefined): Promise<void> {
    const { underDebugger } = await import("./runs/debugger.ts");
    await train(uri, uri && { launch: underDebugger(runs, uri) });
  }

  async function findLearningRate(
    uri: vscode.Uri | undefined,
  ): Promise<LearningRateProbe | undefined> {
    if (!mayRun() || !isTrainable(uri) || !(await saved(uri))) return undefined;
    const { searchLearningRate } = await import("./code/learningRateSearch.ts");
    return searchLearningRate(runs, uri, scriptArguments.of(uri.fsPath));
  }

  async function trainWithArguments(uri: vscode.Uri | undefined): Promise<void> {
    if (!mayRun()) return;
    if (uri && isScript(uri) && !(await scriptArguments.ask(uri.fsPath))) return;
    await train(uri);
  }

  function stop(uri: vscode.Uri | undefined): void {
    const queued = runs.queuedScripts.find(each => each === uri?.fsPath);
    const script = queued ?? busyScript(uri);
    if (script) runs.stop(script);
  }

  /** The script itself if it runs, else the newest that does. */
  function busyScript(uri: vscode.Uri | undefined): string | undefined {
    const busy = runs.busyScripts;
    return busy.find(each => each === uri?.fsPath) ?? busy.at(-1);
  }

  async function showPanel(uri: vscode.Uri | undefined): Promise<void> {
    const state = uri && runs.state(uri.fsPath);
    if (state?.phase === "starting") {
      panel.show();
      return;
    }
    if (uri && state?.phase === "queued") {
      const heading = vscode.l10n.t("{0} waits for its turn", basename(uri.fsPath));
      const reason = vscode.l10n.t("It starts by itself {0}.", queueText(state.before));
      panel.show({ script: uri.fsPath, heading, reason });
      return;
    }
    const run = uri && (runs.of(uri.fsPath) ?? (await stored.last(uri.fsPath)));
    panel.show(run && { runFolder: run.folder });
  }
}

/** The file that a command is meant for: buttons and lenses say it, the palette does not. */
function target(argument: unknown): vscode.Uri | undefined {
  if (argument instanceof vscode.Uri) return argument;
  return vscode.window.activeTextEditor?.document.uri;
}

/** Says so where it is not. */
function isTrainable(uri: vscode.Uri | undefined): uri is vscode.Uri {
  if (uri && isScript(uri)) return true;
  void vscode.window.showWarningMessage(
    vscode.l10n.t("Open a training file first: a TypeScript or JavaScript file on disk."),
  );
  return false;
}

function isScript(uri: vscode.Uri): boolean {
  return uri.scheme === "file" && SCRIPT_EXTENSIONS.has(extname(uri.path));
}
