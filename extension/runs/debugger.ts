import { basename, dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import type { SidecarCommand, SidecarProcess } from "../../runtime/client/start.ts";
import { LAUNCH_VARIABLE } from "../../runtime/protocol/launch.ts";
import { DebugHover } from "../code/debugHover.ts";
import { Command, TRAINING_FILES } from "../contributed.ts";
import type { Runs } from "./runs.ts";

/** What VS Code's JavaScript debugger calls a program that it starts with Node. */
const DEBUGGER = "pwa-node";

/** What the debugger may take to let go of a script. */
const PATIENCE_MS = 3000;

/** Evaluating a hover is never cut off, which could be in the middle of the engine. Milliseconds. */
const HOVER_TIMEOUT_MS = 60_000;

/**
 * Starts the sidecar of a script under VS Code's JavaScript debugger. The run and the debugger end
 * together, whichever of them is stopped.
 */
export function underDebugger(
  runs: Runs,
  script: vscode.Uri,
): (command: SidecarCommand) => Promise<SidecarProcess> {
  return async command => {
    const hasDebugger = vscode.extensions.all.some(({ packageJSON }) =>
      packageJSON.contributes?.debuggers?.some((each: { type: string }) => each.type === DEBUGGER),
    );
    if (!hasDebugger) {
      throw new Error(
        vscode.l10n.t(
          "VS Code's JavaScript debugger is not there. Enable the extension JavaScript Debugger (ms-vscode.js-debug), or train without breakpoints.",
        ),
      );
    }
    const process = new DebuggedProcess(runs, script, command);
    await process.start();
    return process;
  };
}

class DebuggedProcess implements SidecarProcess {
  readonly #runs: Runs;
  readonly #script: vscode.Uri;
  readonly #command: SidecarCommand;
  readonly #subscriptions: vscode.Disposable;
  /**
   * The debugger's session, and in it that of the thread that runs the script. VS Code may show the same
   * session as another object: its id tells it.
   */
  #session: vscode.DebugSession | undefined;
  #thread: vscode.DebugSession | undefined;
  #isToRestart = false;
  ended: string | undefined;

  constructor(runs: Runs, script: vscode.Uri, command: SidecarCommand) {
    this.#runs = runs;
    this.#script = script;
    this.#command = command;
    this.#subscriptions = vscode.Disposable.from(
      vscode.debug.onDidStartDebugSession(session => this.#started(session)),
      vscode.debug.onDidTerminateDebugSession(session => {
        if (session.id === this.#session?.id) this.#end();
      }),
      vscode.debug.registerDebugAdapterTrackerFactory(DEBUGGER, {
        createDebugAdapterTracker: session => ({
          onWillReceiveMessage: ({ command }) => {
            if (session.id === this.#session?.id) this.#asked(command);
          },
        }),
      }),
      vscode.languages.registerEvaluatableExpressionProvider([...TRAINING_FILES], new DebugHover()),
      runs.hold(script.fsPath, () => this.#letGo()),
    );
  }

  async start(): Promise<void> {
    const folder = vscode.workspace.getWorkspaceFolder(this.#script);
    const isStarted = await vscode.debug.startDebugging(folder, this.#configuration(), {
      suppressSaveBeforeStart: true,
    });
    if (!isStarted) this.#end();
  }

  kill(): void {
    if (this.#session) void vscode.debug.stopDebugging(this.#session);
  }

  #started(session: vscode.DebugSession): void {
    const { configuration, parentSession } = session;
    const isOurs = configuration.env?.[LAUNCH_VARIABLE] === this.#command.env[LAUNCH_VARIABLE];
    if (!parentSession && isOurs) this.#session = session;
    else if (parentSession && parentSession.id === this.#session?.id) this.#thread = session;
  }

  /** The debugger is asked for something. */
  #asked(command: unknown): void {
    // It tells the process to end, and waits for that: a script at a breakpoint cannot.
    if (command === "disconnect" || command === "restart") void this.#letGo();
    // The process that it starts in its place ends at once: it is to be another run.
    if (command === "restart") this.#isToRestart = true;
  }

  /** Has the script go on without the debugger, should it stand at a breakpoint. */
  async #letGo(): Promise<void> {
    const detached = this.#thread?.customRequest("disconnect", { terminateDebuggee: false });
    // A thread that has ended meanwhile does not answer.
    await Promise.race([detached, sleep(PATIENCE_MS)]).catch(() => {});
  }

  #configuration(): vscode.DebugConfiguration {
    const { node, entry, args, cwd, env } = this.#command;
    const own = `${dirname(entry)}/**`;
    return {
      type: DEBUGGER,
      request: "launch",
      name: vscode.l10n.t("Train {0}", basename(this.#script.fsPath)),
      runtimeExecutable: node,
      program: entry,
      args: [...args],
      cwd,
      env: { ...env, ELECTRON_RUN_AS_NODE: null },
      console: "internalConsole",
      autoAttachChildProcesses: false,
      // The script is compiled in memory: breakpoints find their places when it is loaded.
      outFiles: [],
      pauseForSourceMap: true,
      resolveSourceMapLocations: ["**", "!**/node_modules/**", `!${own}`],
      skipFiles: ["<node_internals>/**", own],
      timeouts: { hoverEvaluation: HOVER_TIMEOUT_MS },
      // A script that is told to stop may save what it wants to.
      killBehavior: "polite",
    };
  }

  #end(): void {
    this.ended = vscode.l10n.t("ended with its debugger");
    this.#subscriptions.dispose();
    this.#runs.stop(this.#script.fsPath);
    if (this.#isToRestart) void this.#startAgain();
  }

  async #startAgain(): Promise<void> {
    const run = this.#runs.of(this.#script.fsPath);
    if (run) await this.#runs.end(run);
    await vscode.commands.executeCommand(Command.debug, this.#script);
  }
}
