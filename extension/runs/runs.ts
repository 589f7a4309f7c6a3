import { basename, dirname } from "node:path";
import { setImmediate } from "node:timers/promises";
import * as vscode from "vscode";
import type { MessageListener, SidecarConnection } from "../../runtime/client/connection.ts";
import type { StartOptions } from "../../runtime/client/start.ts";
import type { Control } from "../../runtime/protocol/control.ts";
import type { SidecarMessage } from "../../runtime/protocol/messages.ts";
import type { LearningRateProbe } from "../../runtime/protocol/probe.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { SECTION, Setting } from "../contributed.ts";
import { LiveRun } from "./liveRun.ts";
import { nodeForScript } from "./nodeForScript.ts";
import { sidecarForScript, withInstalled } from "./sidecarForScript.ts";
import { TrainingQueue } from "./trainingQueue.ts";

/** A sidecar stops within two seconds, on a stalled machine later; one that hangs is killed after this time. */
const STOP_PATIENCE_MS = 10_000;

/** Learning rates that are tried before a run. How long that is to be is not known. */
const RATES = { steps: 100, plannedSteps: 0 };

/** How a run is started where it is not as usual: by somebody else, or held behind its first steps. */
export type StartChoice = Pick<StartOptions, "launch" | "runTo">;

/** How a script stands in this window. */
export type ScriptState =
  | { readonly phase: "idle" | "starting" | "stopping" }
  /** So many others are before it: those that train, and those that came earlier. */
  | { readonly phase: "queued"; readonly before: number }
  | { readonly phase: "running"; readonly loss: number; readonly step: number };

/**
 * The runs that this window follows, at most one at a time for each script, and as many at once as
 * the setting allows. A run is a process of its own: it outlives the window for its grace time, and the
 * next window finds it again.
 */
export class Runs implements vscode.Disposable {
  /** Something that is shown of a run has changed. */
  readonly onDidChange: vscode.Event<void>;
  readonly onDidStart: vscode.Event<LiveRun>;
  /** The connection to a run was lost and is there again: what was sent meanwhile is in the store. */
  readonly onDidReturn: vscode.Event<LiveRun>;
  readonly onDidEnd: vscode.Event<LiveRun>;
  /** Settles when the runs of the window before a reload have been looked for. */
  readonly reattached: Promise<void>;

  readonly #sidecar: string;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #started = new vscode.EventEmitter<LiveRun>();
  readonly #returned = new vscode.EventEmitter<LiveRun>();
  readonly #ended = new vscode.EventEmitter<LiveRun>();
  readonly #queue = new TrainingQueue();
  readonly #settings: vscode.Disposable;
  /** Scripts whose process does not answer yet, and whether Stop was asked for meanwhile. */
  readonly #starting = new Map<string, { stop: boolean }>();
  /** The newest run of each script, the newest of all last; it may have ended. */
  readonly #runs = new Map<string, LiveRun>();
  readonly #connections = new Map<LiveRun, SidecarConnection>();
  /** Who may hold a script, and how each lets go of it. */
  readonly #holders = new Map<string, () => Promise<void>>();
  #isEased = false;
  #disposed = false;

  /** `sidecar`: path of the sidecar's entry. */
  constructor(sidecar: string) {
    this.#sidecar = sidecar;
    this.onDidChange = this.#changed.event;
    this.onDidStart = this.#started.event;
    this.onDidReturn = this.#returned.event;
    this.onDidEnd = this.#ended.event;
    this.reattached = this.#reattach();
    this.#settings = vscode.workspace.onDidChangeConfiguration(() => this.#admit());
  }

  /** The newest run of this window, also when it has ended. */
  get newest(): LiveRun | undefined {
    return [...this.#runs.values()].at(-1);
  }

  /** The newest run of each script in this window; they may have ended. */
  get newestOfEach(): readonly LiveRun[] {
    return [...this.#runs.values()];
  }

  /** Scripts that run, or are about to. */
  get busyScripts(): readonly string[] {
    const active = [...this.#runs.values()].filter(run => run.active).map(run => run.script);
    return [...new Set([...this.#starting.keys(), ...active])];
  }

  /** Scripts that wait for their turn, the next one first. */
  get queuedScripts(): readonly string[] {
    return this.#queue.scripts;
  }

  /** Scripts whose loop is held. */
  get pausedScripts(): readonly string[] {
    return [...this.#runs.values()].filter(run => run.paused).map(run => run.script);
  }

  /** The newest run of a script in this window. */
  of(script: string): LiveRun | undefined {
    return this.#runs.get(script);
  }

  /** The newest run of a script, told by its folder in the store. */
  in(runFolder: string): LiveRun | undefined {
    return [...this.#runs.values()].find(run => run.folder === runFolder);
  }

  state(script: string): ScriptState {
    const starting = this.#starting.get(script);
    if (starting) return { phase: starting.stop ? "stopping" : "starting" };
    const run = this.#runs.get(script);
    if (run?.active) {
      if (run.stopping) return { phase: "stopping" };
      return { phase: "running", loss: run.loss, step: run.step };
    }
    const place = this.#queue.scripts.indexOf(script);
    if (place < 0) return { phase: "idle" };
    return { phase: "queued", before: this.busyScripts.length + place };
  }

  /**
   * Waits for the turn of a script that does not wait yet; `start` has to follow at once. One that trains
   * is stopped, and is the next.
   *
   * @returns false where it was stopped before
   */
  async turn(script: string): Promise<boolean> {
    const isBusy = this.busyScripts.includes(script);
    const turn = this.#queue.join(script, isBusy);
    if (isBusy) this.#stopRun(script);
    this.#admit();
    this.#changed.fire();
    return turn;
  }

  /** Lets those start whose turn it is. */
  #admit(): void {
    const atOnce = vscode.workspace.getConfiguration(SECTION).get(Setting.runsAtOnce, 1);
    for (const script of this.#queue.admit(atOnce - this.busyScripts.length)) {
      this.#starting.set(script, { stop: false });
    }
  }

  /**
   * Trains a script whose turn it is; `args` are its own arguments.
   *
   * @throws Error that says what to do, where no process could be started
   */
  async start(
    script: string,
    args: readonly string[] = [],
    how: StartChoice = {},
  ): Promise<LiveRun> {
    this.#changed.fire();
    try {
      const [{ startRun }, node, sidecar] = await Promise.all([
        import("../../runtime/client/start.ts"),
        nodeForScript(script),
        sidecarForScript(script, this.#sidecar),
      ]);
      const options = {
        script,
        args,
        cwd: workingFolder(script),
        ...limits(script),
        sidecar: sidecar.path,
        node,
        ...how,
      };
      const run = await this.#follow(listener => startRun(options, listener)).catch(error => {
        throw withInstalled(error, sidecar);
      });
      if (!run) throw new Error(vscode.l10n.t("The training process did not answer."));
      if (this.#starting.get(script)?.stop) this.#stopRun(script);
      return run;
    } finally {
      this.#starting.delete(script);
      this.#admit();
      this.#changed.fire();
    }
  }

  /**
   * Tries learning rates on a script; nothing is kept.
   *
   * @returns undefined if it was stopped
   * @throws Error that says what to do, where no process could be started, or why the script failed
   */
  async tryLearningRates(
    script: string,
    args: readonly string[],
    onProgress: (probe: LearningRateProbe) => void,
    signal: AbortSignal,
  ): Promise<LearningRateProbe | undefined> {
    const [{ tryLearningRates }, node, sidecar] = await Promise.all([
      import("../../runtime/client/learningRate.ts"),
      nodeForScript(script),
      sidecarForScript(script, this.#sidecar),
    ]);
    const options = {
      script,
      args,
      cwd: workingFolder(script),
      sidecar: sidecar.path,
      node,
      probe: RATES,
    };
    return (await tryLearningRates(options, onProgress, signal))?.probe;
  }

  /** Asks a script that waits, starts or runs to stop; ends it by force if it does not. */
  stop(script: string): void {
    this.#queue.cancel(script);
    this.#stopRun(script);
    this.#changed.fire();
  }

  #stopRun(script: string): void {
    const starting = this.#starting.get(script);
    if (starting) starting.stop = true;
    const run = this.#runs.get(script);
    const connection = run?.active ? this.#connections.get(run) : undefined;
    if (run && connection && !run.stopping) {
      run.stopping = true;
      // The process lives as long as the connection is open: it is the one with this number.
      const timer = setTimeout(() => kill(run.record.pid), STOP_PATIENCE_MS);
      void connection.closed.then(() => clearTimeout(timer));
      void this.#letGo(script).then(() => connection.stop());
    }
  }

  /** From now on `letGo` is awaited before the script is asked to stop: it may stand at a breakpoint. */
  hold(script: string, letGo: () => Promise<void>): vscode.Disposable {
    this.#holders.set(script, letGo);
    return new vscode.Disposable(() => this.#holders.delete(script));
  }

  async #letGo(script: string): Promise<void> {
    await this.#holders.get(script)?.();
  }

  /** Holds the loop of a script that runs, or has it go on; nothing to do where it does not run. */
  control(script: string, control: Control): void {
    const run = this.#runs.get(script);
    if (run?.active) this.#connections.get(run)?.control(control);
  }

  /** Has all runs, also those that begin meanwhile, take what others leave of the processor, or their part again. */
  ease(isEased: boolean): void {
    this.#isEased = isEased;
    for (const connection of this.#connections.values()) connection.ease(isEased);
  }

  /** Waits until a run has ended. */
  async end(run: LiveRun): Promise<void> {
    while (run.active) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise(resolve => {
      const subscription = this.onDidChange(() => {
        subscription.dispose();
        resolve();
      });
    });
  }

  /** Leaves the runs alone: they wait for the next window, and stop after their grace time. */
  dispose(): void {
    this.#disposed = true;
    for (const connection of this.#connections.values()) connection.detach();
    this.#connections.clear();
    this.#settings.dispose();
    for (const emitter of [this.#changed, this.#started, this.#returned, this.#ended])
      emitter.dispose();
  }

  /** Finds the living runs of this window. */
  async #reattach(): Promise<void> {
    // Activation does not wait for it.
    await setImmediate();
    const [{ attachRun }, { livingSidecars }] = await Promise.all([
      import("../../runtime/client/start.ts"),
      import("../../runtime/store/registry.ts"),
    ]);
    let living: ReturnType<typeof livingSidecars>;
    try {
      living = livingSidecars();
    } catch {
      // The folder of sockets cannot be used, so nothing of ours lives there. Train says why.
      return;
    }
    for (const { script, runFolder } of living) {
      if (!isOfThisWindow(vscode.Uri.file(script))) continue;
      try {
        await this.#follow(listener => attachRun(runFolder, listener));
      } catch (error) {
        void vscode.window.showWarningMessage(
          vscode.l10n.t("{0} trains, but cannot be reached: {1}", basename(script), text(error)),
        );
      }
    }
  }

  /** Connects to a sidecar and takes what it says, from the welcome on; `known` is its run, if there is one. */
  async #follow(
    connect: (listener: MessageListener) => Promise<SidecarConnection | undefined>,
    known?: LiveRun,
  ): Promise<LiveRun | undefined> {
    const early: SidecarMessage[] = [];
    let run: LiveRun | undefined;
    const connection = await connect(message => {
      if (run) this.#receive(run, message);
      else early.push(message);
    });
    if (this.#disposed) connection?.detach();
    if (!connection || this.#disposed) return undefined;
    run = known ?? new LiveRun(connection.runFolder, connection.run);
    this.#connections.set(run, connection);
    if (this.#isEased) connection.ease(true);
    if (!known) this.#add(run);
    for (const message of early) this.#receive(run, message);
    void this.#awaitEnd(run, connection);
    return run;
  }

  #add(run: LiveRun): void {
    // Set anew, so that the newest is last.
    this.#runs.delete(run.script);
    this.#runs.set(run.script, run);
    this.#started.fire(run);
  }

  #receive(run: LiveRun, message: SidecarMessage): void {
    run.receive(message);
    this.#changed.fire();
  }

  async #awaitEnd(run: LiveRun, connection: SidecarConnection): Promise<void> {
    await connection.closed;
    this.#connections.delete(run);
    if (!this.#disposed && run.active && (await this.#isBack(run))) return;
    if (this.#disposed) return;
    this.#admit();
    this.#ended.fire(run);
    this.#changed.fire();
  }

  /** Nobody said `end`: either the connection alone was lost, or the process died, which the store knows. */
  async #isBack(run: LiveRun): Promise<boolean> {
    const { attachRun } = await import("../../runtime/client/start.ts");
    // A sidecar that does not let this window in again is as good as lost.
    const back = await this.#follow(listener => attachRun(run.folder, listener), run).catch(
      () => {},
    );
    if (back) {
      this.#returned.fire(run);
      // Who asked for it waits for it.
      if (run.stopping) {
        run.stopping = false;
        this.#stopRun(run.script);
      }
    } else if (!this.#disposed) {
      run.update(await recordOf(run));
    }
    return back !== undefined;
  }
}

/** The record of a run whose sidecar is silent. */
async function recordOf(run: LiveRun): Promise<RunRecord> {
  const { openRun } = await import("../../runtime/store/reader.ts");
  try {
    const reader = openRun(run.folder);
    const record = reader.record();
    reader.close();
    if (record.status !== "running") return record;
    return lost(run, vscode.l10n.t("The connection to the process {0} was lost.", record.pid));
  } catch (error) {
    return lost(run, text(error));
  }
}

function lost({ record }: LiveRun, message: string): RunRecord {
  return { ...record, status: "crashed", error: { message } };
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself just now.
  }
}

/** How long a run goes on without a window, and the GPU memory for states that it can go back to. */
function limits(script: string): { readonly graceMs: number; readonly rewindBytes: number } {
  const settings = vscode.workspace.getConfiguration(SECTION, vscode.Uri.file(script));
  const goesOn = settings.get(Setting.whenClosed) === "keepRunning";
  const seconds = settings.get(Setting.graceTime, 60);
  const mebibytes = settings.get(Setting.rewindMemory, 256);
  return {
    graceMs: goesOn ? Number.POSITIVE_INFINITY : Math.max(0, seconds) * 1000,
    rewindBytes: Number.isSafeInteger(mebibytes) && mebibytes >= 0 ? mebibytes * 1024 ** 2 : 0,
  };
}

/** Whether a script is in the workspace, or, without one, in an editor. */
function isOfThisWindow(script: vscode.Uri): boolean {
  if (vscode.workspace.workspaceFolders) {
    return vscode.workspace.getWorkspaceFolder(script) !== undefined;
  }
  return vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .some(({ input }) => input instanceof vscode.TabInputText && input.uri.path === script.path);
}

/** Where a script runs: as in a terminal of its workspace. */
function workingFolder(script: string): string {
  return (
    vscode.workspace.getWorkspaceFolder(vscode.Uri.file(script))?.uri.fsPath ?? dirname(script)
  );
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
