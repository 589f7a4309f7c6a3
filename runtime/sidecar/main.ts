/**
 * Entry of a sidecar: the process that loads a training script and runs it on this thread, while
 * the recorder thread stores and sends what is measured.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import { observe } from "../insight/observer.ts";
import { LAUNCH_VARIABLE, type LaunchOptions, launchOptions } from "../protocol/launch.ts";
import { RUN_DATABASE } from "../store/paths.ts";
import { ControlPort } from "./controlPort.ts";
import { type RecorderData, RecorderLink, sharedFlags } from "./link.ts";
import { captureOutput } from "./output.ts";
import { stepBack } from "./priority.ts";
import { ScriptRun } from "./script.ts";

const isFromSource = import.meta.url.endsWith(".ts");
const recorder = new URL(isFromSource ? "./recorder.ts" : "./recorder.js", import.meta.url);
const engine = new URL(isFromSource ? "../index.ts" : "./index.js", import.meta.url);

const launch = takeLaunchOptions();
const flags = sharedFlags();
const { port1: controls, port2: controlsOfClients } = new MessageChannel();
const link = new RecorderLink(
  new Worker(recorder, {
    // Debuggers show it.
    name: "recorder",
    workerData: { launch, flags, controls: controlsOfClients } satisfies RecorderData,
    transferList: [controlsOfClients],
    stdout: true,
    stderr: true,
  }),
  flags,
);
const controlPort = new ControlPort(controls, link);
// After the recorder, which is to go before the loop.
stepBack();
const flushOutput = captureOutput(line => link.log(line));

const run = new ScriptRun(launch, link, controlPort, flushOutput);

observe({
  seed: seed => link.send({ type: "seed", seed }),
  tensors: tensors => link.send({ type: "tensors", tensors }),
  steps: batch => link.steps(batch),
  histograms: histograms => link.send({ type: "histograms", histograms }),
  metrics: metrics => link.send({ type: "metrics", metrics }),
  fault: (fault, step, at) => link.send({ type: "fault", fault, step, location: run.placeOf(at) }),
  untrainedLoss: loss => link.send({ type: "untrainedLoss", loss }),
});

process.argv = [process.execPath, launch.script, ...launch.args];
await run.run(engine.href);

/** The options of the client that started this process; hidden from the script. */
function takeLaunchOptions(): LaunchOptions {
  const text = process.env[LAUNCH_VARIABLE];
  if (!text) throw new Error("A sidecar is started by `stepscope train` or by the extension.");
  delete process.env[LAUNCH_VARIABLE];
  const options = launchOptions(JSON.parse(text), LAUNCH_VARIABLE);
  // As by a debugger that starts its process again.
  if (existsSync(join(options.runFolder, RUN_DATABASE))) {
    throw new Error("The run of this process is recorded already. Start another one.");
  }
  return options;
}
