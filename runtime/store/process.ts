/** Tells whether a process of the past is still the one that runs under its number. */
import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import { count, number, object, string } from "../protocol/validate.ts";

/** By how much the clock may have been set since the system was started. */
const BOOT_SLACK_MS = 60_000;

/** A process, such that a later one with the same number is not mistaken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it was started, in a form that only equals itself; empty where the system hides it. */
  readonly started: string;
  /** Milliseconds since 1970 at which the identity was taken. */
  readonly seenAt: number;
}

/** Checks an identity that was read from a file. */
export const processIdentity = object<ProcessIdentity>({
  pid: count,
  started: string,
  seenAt: number,
});

/** The identity of this process. */
export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, started: startOf(process.pid), seenAt: Date.now() };
}

/** False once the process is certainly gone. */
export function isAlive({ pid, started, seenAt }: ProcessIdentity): boolean {
  if (seenAt < Date.now() - uptime() * 1000 - BOOT_SLACK_MS) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return started === startOf(pid) && !isZombie(pid);
}

/** Linux: id of this boot and clock ticks from boot to the start of the process. */
function startOf(pid: number): string {
  const ticks = statFields(pid)?.[19];
  if (ticks === undefined) return "";
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${ticks}`;
  } catch {
    return "";
  }
}

/** A process that has ended and that its parent has not yet asked about. */
function isZombie(pid: number): boolean {
  return statFields(pid)?.[0] === "Z";
}

/** Fields 3 and later of /proc/PID/stat; the second, the name, may hold spaces and brackets. */
function statFields(pid: number): string[] | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
