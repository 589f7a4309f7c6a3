/** The editor comes first: a software adapter takes every core. */
import { readFileSync, writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";

const PRIORITY = constants.priority.PRIORITY_BELOW_NORMAL;
const AUTOGROUP = "/proc/self/autogroup";

/**
 * Lets other processes go before this one. On Linux this thread and those that it starts from here on step
 * back, those that it has started keep their place.
 */
export function stepBack(): void {
  setPriority(PRIORITY);
  if (process.platform === "linux") stepBackAsSession();
}

/**
 * Linux shares the processor among sessions first, and priorities count within one alone (sched(7), "The
 * autogroup feature"): a session of its own has to step back as a whole. Not where others share it, as an
 * editor that debugs its child, and not on a kernel without the feature.
 */
function stepBackAsSession(): void {
  if (sessionOf(readFileSync("/proc/self/stat", "utf8")) !== process.pid) return;
  try {
    writeFileSync(AUTOGROUP, `${PRIORITY}`);
  } catch {
    // A kernel without the feature, or a container that forbids it: the thread's own priority is left.
  }
}

/** Field 6 of proc_pid_stat(5); the second, the name, may hold blanks and brackets. */
function sessionOf(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
}
