/** Finds what a test leaves behind. Linux: reads /proc. */
import { readdirSync, readFileSync } from "node:fs";

export interface RunningProcess {
  readonly pid: number;
  readonly command: string;
}

/**
 * Processes that were started with `NAME=value` in their environment, however far they descend from
 * the one that was given it; zombies are not counted.
 */
export function processesWith(name: string, value: string): RunningProcess[] {
  const found: RunningProcess[] = [];
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    if (read(pid, "environ").split("\0").includes(`${name}=${value}`)) {
      found.push({ pid, command: read(pid, "cmdline").replaceAll("\0", " ").trim() });
    }
  }
  return found;
}

/** A file of a process, or nothing when it has ended or is not ours. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
