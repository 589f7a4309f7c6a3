/**
 * Entry of the recorder thread: stores what the main thread measures, serves clients, and sees to
 * it that the run ends when it should.
 */
import { readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { LiveDiagnosis } from "../insight/diagnosis/live.ts";
import { RESUME_VARIABLE } from "../protocol/checkpoint.ts";
import type { Finding } from "../protocol/finding.ts";
import { PROTOCOL_VERSION, TERMINATION_MS } from "../protocol/messages.ts";
import type { LearningRateProbe } from "../protocol/probe.ts";
import type { RewindRecord } from "../protocol/rewind.ts";
import type { RunRecord } from "../protocol/run.ts";
import { VERSION } from "../protocol/version.ts";
import { shortHash } from "../store/hash.ts";
import { CHANGES_PATCH } from "../store/paths.ts";
import { thisProcess } from "../store/process.ts";
import { type Registration, register, unregister } from "../store/registry.ts";
import { FindingWatch } from "./findingWatch.ts";
import {
  type FromRecorder,
  type Outcome,
  type RecorderData,
  releaseMainThread,
  type ToRecorder,
  takeFromBacklog,
} from "./link.ts";
import { NativeOutput } from "./native-output.ts";
import { SessionPriority } from "./priority.ts";
import { Recording } from "./recording.ts";
import { readRepository } from "./repository.ts";
import { ClientServer } from "./server.ts";

/** What a script that is told to stop may take for its last checkpoint: where somebody waits, and where not. */
const LAST_MOMENT_MS = 700;
const UNWATCHED_LAST_MOMENT_MS = 30_000;

/** How much later the process of a script is ended that has not given way. */
const END_MS = 300;

/** What the first client may take to arrive, and how long a run that is over waits for it. */
const FIRST_CLIENT_MS = 30_000;
const OVER_BEFORE_SEEN_MS = 3000;

/** How long a run that is over waits for git. */
const REPOSITORY_MS = 500;

/** How often printed lines are stored, sent and let go. */
const BACKLOG_MS = 20;

const { launch, flags, controls } = workerData as RecorderData;
const { graceMs = Number.POSITIVE_INFINITY } = launch;

const record: RunRecord = {
  id: launch.id,
  script: launch.script,
  args: launch.args,
  sourceHash: shortHash(readFileSync(launch.script)),
  status: "running",
  startedAt: Date.now(),
  pid: process.pid,
  seed: launch.seed,
  ...(launch.overrides && { overrides: launch.overrides }),
  version: VERSION,
  environment: { node: process.versions.node, platform: `${process.platform} ${process.arch}` },
  tensors: [],
  steps: 0,
  finalLoss: Number.NaN,
  findings: [],
};

const registration: Registration = {
  id: launch.id,
  process: thisProcess(),
  socket: launch.socket,
  token: launch.token,
  runFolder: launch.runFolder,
  script: launch.script,
};

// Nobody could watch the run or stop it any more, least of all a script that never gives way.
process.on("uncaughtException", error => {
  writeSync(2, `The recorder of the run failed: ${error.stack}\n`);
  process.kill(process.pid, "SIGKILL");
});

const priority = new SessionPriority();
const diagnosis = new LiveDiagnosis(process.env[RESUME_VARIABLE] !== undefined);
let unjudged = "";
let backlog = 0;
let probe: LearningRateProbe | undefined;
/** When a run that was told to stop is ended by force. */
let stopBy = Number.POSITIVE_INFINITY;
let stopTimer: NodeJS.Timeout | undefined;
let hasEnded = false;
let graceTimer: NodeJS.Timeout | undefined;
const firstClient = Promise.withResolvers<void>();

const server = new ClientServer(launch.token, {
  welcome: () => ({ type: "welcome", version: PROTOCOL_VERSION, ...recording.stored }),
  stop: (patienceMs = LAST_MOMENT_MS) => stop(patienceMs),
  control: control => watch.control(control),
  ease: isEased => priority.ease(isEased),
  clients: count => {
    firstClient.resolve();
    waitForClients(count, graceMs);
  },
});
const recording = new Recording(launch.runFolder, record, message => server.broadcast(message));
// It is read while the script is compiled, before whoever watches changes anything.
const repository: Promise<Pick<RunRecord, "repository">> = launch.probe
  ? Promise.resolve({})
  : keepRepository();
void repository.then(known => {
  if (known.repository && !hasEnded) recording.change(known);
});
const watch = new FindingWatch({
  control: order => controls.postMessage(order),
  nonFiniteAt: () => diagnosis.nonFiniteAt,
  warn: text => recording.log({ level: "warn", text, time: Date.now() }),
  changed: watched => recording.change(watched),
});
// A script that prints faster than its clients read has to wait for them.
setInterval(() => {
  if (backlog === 0 || hasEnded || !server.hasRoom()) return;
  recording.commit();
  takeFromBacklog(flags, backlog);
  backlog = 0;
}, BACKLOG_MS);
const nativeOutput = new NativeOutput(launch.runFolder, line => recording.log(line));

parentPort?.on("message", receive);
await server.listen(launch.socket);
// A trial of learning rates is no run that others could find.
if (!launch.probe) register(registration);
waitForClients(0, Math.max(graceMs, FIRST_CLIENT_MS));

function receive(message: ToRecorder): void {
  // What a script still does while its process is being ended is no part of the run.
  if (hasEnded) return;
  switch (message.type) {
    case "adapter":
    case "seed":
    case "tensors":
    case "paused":
    case "kept":
    case "groups":
    case "planned":
    case "options":
    case "changes": {
      const { type: _, ...change } = message;
      if (message.type === "tensors") diagnosis.tensors(message.tensors);
      if (message.type === "groups") diagnosis.groups(message.groups);
      if (message.type === "changes") found(diagnosis.changed(message.changes));
      recording.change(change);
      // Who asked for it waits for it.
      if (message.type === "paused") recording.commit();
      break;
    }
    case "rewinds":
      rewound(message.rewinds);
      break;
    case "steps":
      recording.steps(message.batch);
      found(diagnosis.steps(message.batch));
      noteUnjudged();
      if (diagnosis.lostAt !== undefined) watch.lost(diagnosis.lostAt);
      break;
    case "fault":
      found(diagnosis.fault(message.fault, message.step, message.location));
      break;
    case "histograms":
      recording.histograms(message.histograms);
      break;
    case "metrics":
      recording.metrics(message.metrics);
      diagnosis.metrics(message.metrics);
      break;
    case "untrainedLoss":
      diagnosis.untrainedLoss(message.loss);
      break;
    case "log":
      recording.log(message.line);
      backlog++;
      break;
    case "probe":
      probe = message.probe;
      server.broadcast({ type: "probe", probe });
      break;
    case "picture":
    case "branches":
    case "elements":
      server.broadcast(message);
      break;
    case "interrupted":
      stop(message.signal === "SIGTERM" ? TERMINATION_MS : LAST_MOMENT_MS);
      break;
    case "end":
      void finish(message.outcome);
      break;
  }
}

/** Keeps the diff of the script's repository beside the run; resolves to what the record says of it. */
async function keepRepository(): Promise<Pick<RunRecord, "repository">> {
  const known = await readRepository(launch.script);
  if (!known) return {};
  if (!known.patch) return { repository: known.record };
  try {
    writeFileSync(join(launch.runFolder, CHANGES_PATCH), known.patch);
    return { repository: known.record };
  } catch {
    // The disk is full, which the run itself will say.
    const { patchHash: _, ...record } = known.record;
    return { repository: record };
  }
}

/** Tells why nothing is said of the learning rate, when that changes. */
function noteUnjudged(): void {
  if (diagnosis.unjudged === unjudged) return;
  unjudged = diagnosis.unjudged;
  recording.change({ unjudged });
}

function found(findings: readonly Finding[]): void {
  recording.findings(findings);
  watch.findings(findings);
}

/** What was said of steps that are taken back is no longer so; the diagnosis begins anew. */
function rewound(rewinds: readonly RewindRecord[]): void {
  const { step, to } = rewinds.at(-1) ?? { step: 0, to: 0 };
  recording.findings(diagnosis.restart(step, to));
  recording.change({ rewinds });
}

/** Stops the run when nobody has watched it for so long. */
function waitForClients(count: number, milliseconds: number): void {
  clearTimeout(graceTimer);
  if (count > 0 || milliseconds === Number.POSITIVE_INFINITY) return;
  graceTimer = setTimeout(stop, milliseconds, UNWATCHED_LAST_MOMENT_MS);
}

/** Asks the main thread to end the run, and ends the process if it does not listen. */
function stop(lastMomentMs: number): void {
  const patienceMs = lastMomentMs + END_MS;
  // It is ending as soon as that already.
  if (Date.now() + patienceMs >= stopBy) return;
  stopBy = Date.now() + patienceMs;
  parentPort?.postMessage({ type: "stop", lastMomentMs } satisfies FromRecorder);
  clearTimeout(stopTimer);
  stopTimer = setTimeout(async () => {
    if (hasEnded) return;
    const seconds = Math.round(patienceMs / 1000);
    const time = seconds === 1 ? "a second" : `${seconds} seconds`;
    const text = `The script did not give way within ${time}: its process was ended.`;
    recording.log({ level: "warn", text, time: Date.now() });
    await finish({ status: "stopped" });
    process.kill(process.pid, "SIGKILL");
  }, patienceMs);
}

/** Says so where a script measured nothing, unless a finding has told why. */
function adviseWithoutSteps(): void {
  const { run, metrics } = recording.stored;
  if (run.steps > 0 || metrics > 0 || run.findings.length > 0 || launch.probe) return;
  const text =
    "No optimizer took a step, so that nothing was measured. A training loop calls `await optimizer.step()`.";
  recording.log({ level: "warn", text, time: Date.now() });
}

/** Closes the run, tells the clients, and lets the process go. */
async function finish({ status, error, neverBegan }: Outcome): Promise<void> {
  if (hasEnded) return;
  hasEnded = true;
  clearTimeout(graceTimer);
  // A script may be over before the client that started it has connected.
  await Promise.race([firstClient.promise, sleep(OVER_BEFORE_SEEN_MS)]);
  nativeOutput.close();
  // Whoever watched until now hears of it as of all findings.
  if (status === "completed") {
    recording.findings(diagnosis.completed());
    adviseWithoutSteps();
  }
  const known = await Promise.race([repository, sleep(REPOSITORY_MS, {})]);
  const run = recording.close({
    ...known,
    status,
    paused: false,
    kept: [],
    endedAt: Date.now(),
    ...(error && { error }),
  });
  if (neverBegan || launch.probe) rmSync(launch.runFolder, { recursive: true, force: true });
  // A client that came late has not heard of it.
  if (probe) server.broadcast({ type: "probe", probe });
  server.broadcast({ type: "end", run });
  unregister(registration);
  await server.close();
  releaseMainThread(flags);
}
