/** Runs a training script from its first line to its end, whatever that is. */
import { realpathSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { type CompiledModules, compileModulesWith, provideModules } from "../data/modules.ts";
import { setGate } from "../insight/gate.ts";
import type { LaunchOptions } from "../protocol/launch.ts";
import type { ProbeOptions } from "../protocol/probe.ts";
import type { SourceLocation } from "../protocol/run.ts";
import type { Trials } from "./branching.ts";
import { compileScript } from "./compile.ts";
import type { ControlledLoop } from "./controlledLoop.ts";
import type { ControlPort } from "./controlPort.ts";
import { describeError } from "./failure.ts";
import { offerToRequire, provideEngine } from "./hooks.ts";
import type { Outcome, RecorderLink } from "./link.ts";
import { LoopControl } from "./loopControl.ts";
import { probeLearningRate } from "./probe.ts";

export class ScriptRun {
  readonly #launch: LaunchOptions;
  readonly #link: RecorderLink;
  readonly #controls: ControlPort;
  readonly #flushOutput: () => void;
  #outcome: Outcome | undefined;
  #modules: CompiledModules = new Map();
  #hasLoaded = false;
  /** Delivers the steps that are still on the GPU; nothing to do before there is an engine. */
  #drain: () => Promise<void> = async () => {};
  /** Looks for what should have happened by the end of the script; the same. */
  #noteEnd: () => void = () => {};
  /** Tells what became of learning rates that were being tried when the script ended. */
  #endBranches: () => void = () => {};
  /** Has a loop that is held go on. */
  #letGo: () => void = () => {};
  /** Lets the script save what it wants to; the same. */
  #prepareToStop: () => Promise<void> = async () => {};

  constructor(
    launch: LaunchOptions,
    link: RecorderLink,
    controls: ControlPort,
    flushOutput: () => void,
  ) {
    this.#launch = launch;
    this.#link = link;
    this.#controls = controls;
    this.#flushOutput = flushOutput;
  }

  /** Loads and runs the script, with the module at `engine` as `stepscope`. */
  async run(engine: string): Promise<void> {
    this.#listen();
    try {
      await this.#prepare(engine);
    } catch (error) {
      this.#exit({ ...this.#failed(error), neverBegan: true }, 1);
    }
    if (this.#launch.probe) await this.#probe(this.#launch.probe);
    try {
      await import(pathToFileURL(realpathSync(this.#launch.script)).href);
      this.#hasLoaded = true;
    } catch (error) {
      await this.#end(this.#failed(error), 1);
    }
  }

  /** The first line of the script in the stack of an error. */
  placeOf(error: Error): SourceLocation | undefined {
    return describeError(error, file => this.#isScript(file)).location;
  }

  /** Compiles the script, and opens the GPU meanwhile. */
  async #prepare(engine: string): Promise<void> {
    process.setSourceMapsEnabled(true);
    provideEngine(engine);
    const opening = openEngine(this.#launch, this.#link);
    // Where both fail, the script's own fault is told.
    opening.catch(() => {});
    this.#modules = await compileScript(this.#launch.script, engine);
    provideModules(this.#modules);
    compileModulesWith(file => compileScript(file, engine, false));
    const { loop, noteEnd, prepareToStop, adapter } = await opening;
    this.#noteEnd = noteEnd;
    this.#drain = loop.drain;
    this.#prepareToStop = prepareToStop;
    if (!this.#launch.probe) this.#control(loop);
    this.#link.send({ type: "adapter", adapter });
  }

  /** Lets clients hold the loop. */
  #control(loop: ControlledLoop): void {
    const control = new LoopControl(loop, this.#controls, this.#launch);
    this.#controls.listen(() => control.receive());
    this.#letGo = () => control.letGo();
    this.#endBranches = () => control.ended();
    setGate(control);
  }

  /** Has the learning rate tried out, and ends the process. */
  async #probe(options: ProbeOptions): Promise<void> {
    const probing = await probeLearningRate(options, probe =>
      this.#link.send({ type: "probe", probe }),
    );
    void probing.result.then(
      () => this.#end({ status: "completed" }, 0),
      error => this.#end(this.#failed(error), 1),
    );
  }

  #listen(): void {
    this.#link.onstop = lastMomentMs => void this.#stop(lastMomentMs);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => this.#link.send({ type: "interrupted", signal }));
    }
    process.on("uncaughtException", error => {
      // A handler of the script's own is welcome to it.
      if (process.listenerCount("uncaughtException") === 1) void this.#end(this.#failed(error), 1);
    });
    process.once("beforeExit", () => void this.#end(this.#ranToItsEnd(), process.exitCode ?? 0));
    process.on("exit", code => {
      this.#flushOutput();
      this.#link.end(this.#outcome ?? calledExit(code));
    });
  }

  /** Ends the run; the script gets a moment to save a checkpoint. */
  async #stop(lastMomentMs: number): Promise<void> {
    // A loop that is held would never come to where it saves; without anything to save it ends before.
    setImmediate(this.#letGo);
    await Promise.race([this.#prepareToStop(), sleep(lastMomentMs, undefined, { ref: false })]);
    await this.#end({ status: "stopped" }, 0);
  }

  /** Delivers what is still on the GPU, and ends the process. */
  async #end(outcome: Outcome, code: number | string): Promise<void> {
    if (this.#outcome) return;
    this.#outcome = outcome;
    if (outcome.status !== "stopped") this.#endBranches();
    if (outcome.status === "completed") this.#noteEnd();
    try {
      await this.#drain();
    } catch (error) {
      if (outcome.status === "completed") this.#outcome = this.#failed(error);
    }
    process.exit(code);
  }

  #exit(outcome: Outcome, code: number): never {
    this.#outcome = outcome;
    process.exit(code);
  }

  /** Nothing is left to do for the event loop. */
  #ranToItsEnd(): Outcome {
    if (!this.#hasLoaded) {
      return failure("The script waits for a promise that nothing will ever settle.");
    }
    const code = process.exitCode ?? 0;
    return code === 0 ? { status: "completed" } : failure(`The script set the exit code ${code}.`);
  }

  #failed(error: unknown): Outcome {
    return { status: "failed", error: describeError(error, file => this.#isScript(file)) };
  }

  #isScript(file: string): boolean {
    return this.#modules.has(pathToFileURL(file).href);
  }
}

/** What the engine offers to the sidecar. It opens the GPU when it is imported. */
async function openEngine({ seed, overrides, rewindBytes }: LaunchOptions, link: RecorderLink) {
  const [
    { gpu },
    recorder,
    { Pictures },
    { ElementMeter },
    { NonFiniteLocator },
    { SnapshotRing },
    { takeSnapshot },
    { noteEnd },
    { offsetSeeds },
    { prepareToStop },
    engine,
  ] = await Promise.all([
    import("../gpu/device.ts"),
    import("../insight/recorder.ts"),
    import("../insight/probes/pictures.ts"),
    import("../insight/probes/elementMeter.ts"),
    import("../insight/probes/nonFinite.ts"),
    import("../checkpoint/ring.ts"),
    import("../checkpoint/snapshot.ts"),
    import("../tensor/gradientUse.ts"),
    import("../tensor/random.ts"),
    import("../checkpoint/stopping.ts"),
    import("../index.ts"),
  ]);
  offerToRequire(engine);
  offsetSeeds(overrides?.seedOffset ?? 0);
  engine.manualSeed(seed);
  const snapshots = new SnapshotRing(rewindBytes);
  const pictures = new Pictures(snapshots, picture => link.send({ type: "picture", picture }));
  const elements = new ElementMeter(elements => link.send({ type: "elements", elements }));
  const locator = new NonFiniteLocator(pictures.memory);
  const trials: Trials = {
    snapshot: () => takeSnapshot(rewindBytes),
    begin: recorder.beginTrial,
    told: branches => link.send({ type: "branches", branches }),
  };
  const loop = { ...recorder, snapshots, pictures, elements, locator, trials };
  return { loop, noteEnd, prepareToStop, adapter: gpu.adapter };
}

function calledExit(code: number): Outcome {
  return code === 0 ? { status: "completed" } : failure(`The script called process.exit(${code}).`);
}

function failure(message: string): Outcome {
  return { status: "failed", error: { message } };
}
