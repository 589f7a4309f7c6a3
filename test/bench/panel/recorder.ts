/** A recorder thread as a sidecar has it, and a loop's end of it. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { MessageChannel, Worker } from "node:worker_threads";
import { type RecorderData, RecorderLink, sharedFlags } from "../../../runtime/sidecar/link.ts";
import { createRunFolder } from "../../../runtime/store/paths.ts";
import { socketPath } from "../../../runtime/store/registry.ts";

export interface Recorder {
  readonly runFolder: string;
  readonly link: RecorderLink;
}

/** Starts a recorder for a script, which is made. */
export function startRecorder(script: string): Recorder {
  writeFileSync(script, "");
  const { id, folder: runFolder } = createRunFolder(script);
  const flags = sharedFlags();
  const { port2: controls } = new MessageChannel();
  const launch = {
    id,
    runFolder,
    script,
    args: [],
    seed: 0,
    rewindBytes: 0,
    socket: socketPath(randomBytes(8).toString("hex")),
    token: randomBytes(16).toString("hex"),
  };
  const worker = new Worker(new URL("../../../runtime/sidecar/recorder.ts", import.meta.url), {
    workerData: { launch, flags, controls } satisfies RecorderData,
    transferList: [controls],
  });
  return { runFolder, link: new RecorderLink(worker, flags) };
}
