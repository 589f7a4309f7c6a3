/** `stepscope doctor`: says what a run would compute on, and why. */
import { release } from "node:os";
import { join } from "node:path";
import { findNode } from "../client/node.ts";
import { findAdapter, noAdapterMessage } from "../gpu/adapter.ts";
import { VERSION } from "../protocol/version.ts";
import { projectFolder, runsFolder } from "../store/paths.ts";
import { EXIT } from "./exit.ts";

const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupStorageSize",
] as const;

/** Prints what was found; resolves to 1 if nothing can be trained on this machine. */
export async function doctor(): Promise<number> {
  say("stepscope", `${VERSION} on ${process.platform}-${process.arch} ${release()}`);
  say("runs", runsFolder(projectFolder(join(process.cwd(), "any"))));
  const hasNode = await sayNode();
  const { adapter, record, attempts } = await findAdapter();
  for (const { what, outcome } of attempts) say("tried", `${what}: ${outcome}`);
  if (!adapter || !record) {
    console.error(noAdapterMessage(attempts));
    return EXIT.failed;
  }
  const { vendor, architecture, description, software } = record;
  say("adapter", `${description} (${[vendor, architecture].filter(Boolean).join(" ")})`);
  say("kind", software ? "software adapter: it computes on the CPU" : "GPU");
  for (const limit of LIMITS) say(limit, adapter.limits[limit].toLocaleString("en"));
  say("features", [...adapter.features].sort().join(", "));
  return hasNode ? EXIT.completed : EXIT.failed;
}

async function sayNode(): Promise<boolean> {
  try {
    const path = await findNode();
    say("node", path === process.execPath ? `${process.version} (${path})` : path);
    return true;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return false;
  }
}

function say(name: string, value: string): void {
  console.log(`${name.padEnd(34)} ${value}`);
}
