/** The editor comes first: a software adapter takes every core. */
import { readFileSync, writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";

const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;
const AUTOGROUP = "/proc/self/autogroup";

/** Linux takes one change in this time, of all users together but root. */
const RETRY_MS = 100;

/**
 * Lets other processes go before this one. On Linux this thread and those that it starts from here on step
 * back, those that it has started keep their place.
 */
export function stepBack(): void {
  setPriority(PRIORITY_BELOW_NORMAL);
}

/**
 * Linux shares the processor among sessions first, and priorities count within one alone (sched(7), "The
 * autogroup feature"): a session of its own has to step back as a whole. Not where others share it, as an
 * editor that debugs its child, and not on a kernel without the feature.
 */
export class SessionPriority {
  #nice = PRIORITY_BELOW_NORMAL;
  #retry: NodeJS.Timeout | undefined;

  /** The session of this process steps back. */
  constructor() {
    this.#write();
  }

  /** True: it takes what others leave, until it is false again. */
  ease(isEased: boolean): void {
    this.#nice = isEased ? PRIORITY_LOW : PRIORITY_BELOW_NORMAL;
    this.#write();
  }

  #write(): void {
    clearTimeout(this.#retry);
    if (process.platform !== "linux" || !ownsSession()) return;
    try {
      writeFileSync(AUTOGROUP, `${this.#nice}`);
    } catch (error) {
      // Else it is a kernel without the feature, or a container that forbids it: the thread's own priority is left.
      const isTooSoon = (error as NodeJS.ErrnoException).code === "EAGAIN";
      if (isTooSoon) this.#retry = setTimeout(() => this.#write(), RETRY_MS);
    }
  }
}

/** Field 6 of proc_pid_stat(5); the second, the name, may hold blanks and brackets. */
function ownsSession(): boolean {
  const stat = readFileSync("/proc/self/stat", "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]) === process.pid;
}
