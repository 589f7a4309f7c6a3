import { existsSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { RunChoice, ToPageMessage } from "../protocol/page.ts";
import type { RunRecord } from "../protocol/run.ts";
import { readNotes } from "../store/notes.ts";
import { RUN_DATABASE } from "../store/paths.ts";
import { openRun, type RunReader } from "../store/reader.ts";

/** Milliseconds between two looks at runs that are compared: for further steps, and for deleted ones. */
const LOOK_MS = 1000;

/** How much of a compared run a page has. */
interface Sent {
  run: RunRecord;
  steps: number;
  metrics: number;
}

/**
 * Sends a page the runs that it compares with the one that it shows: what is stored of them, and of
 * those that go on what is stored later. Any process may write them.
 */
export class Comparison {
  readonly #post: (message: ToPageMessage) => unknown;
  readonly #sent = new Map<string, Sent>();
  #wanted: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;

  /** `post` sends to the page; where it returns a promise, that resolves when the page can take more. */
  constructor(post: (message: ToPageMessage) => unknown) {
    this.#post = post;
  }

  /** Folders of the runs that the page has asked for. */
  get runFolders(): readonly string[] {
    return this.#wanted;
  }

  /** Sends these runs, but for those that the page has. */
  show(runFolders: readonly string[]): void {
    this.#wanted = runFolders;
    for (const folder of this.#sent.keys()) {
      if (!runFolders.includes(folder)) this.#sent.delete(folder);
    }
    void this.#look();
  }

  dispose(): void {
    this.#wanted = [];
    this.#sent.clear();
    clearTimeout(this.#timer);
  }

  /** Reads what is new; what is asked for meanwhile is read, too. Then again after a while. */
  async #look(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    clearTimeout(this.#timer);
    // A run that is added while others are read is at the end of the list, and comes last.
    for (let i = 0; i < this.#wanted.length; i++) {
      const folder = this.#wanted[i];
      if (folder !== undefined) await this.#update(folder);
    }
    this.#isReading = false;
    if (this.#wanted.some(folder => !this.#sent.has(folder))) return this.#look();
    if (this.#wanted.length > 0) this.#timer = setTimeout(() => void this.#look(), LOOK_MS);
  }

  async #update(folder: string): Promise<void> {
    const sent = this.#sent.get(folder);
    try {
      if (sent && sent.run.status !== "running" && existsSync(join(folder, RUN_DATABASE))) return;
      const reader = openRun(folder);
      try {
        await this.#send(folder, reader, sent);
      } finally {
        reader.close();
      }
    } catch (error) {
      this.#sent.delete(folder);
      this.#wanted = this.#wanted.filter(other => other !== folder);
      const reason = error instanceof Error ? error.message : String(error);
      this.#post({ type: "comparedGone", runFolder: folder, reason });
    }
  }

  async #send(runFolder: string, reader: RunReader, known: Sent | undefined): Promise<void> {
    const run = reader.record();
    const sent: Sent = known ?? { run, steps: 0, metrics: 0 };
    if (!known) {
      this.#sent.set(runFolder, sent);
      const { name } = readNotes(runFolder);
      await this.#post({ type: "compared", runFolder, name, run });
    } else if (run.steps !== known.run.steps || run.status !== known.run.status) {
      await this.#post({ type: "comparedRun", runFolder, run });
    }
    sent.run = run;
    for (const batch of reader.curves(sent.steps + 1)) {
      if (this.#sent.get(runFolder) !== sent) return;
      sent.steps = batch.firstStep + batch.count - 1;
      await this.#post({ type: "comparedSteps", runFolder, batch });
      await setImmediate();
    }
    const metrics = reader.metrics().slice(sent.metrics);
    sent.metrics += metrics.length;
    if (metrics.length > 0) await this.#post({ type: "comparedMetrics", runFolder, metrics });
  }
}

/** A run as one chooses it. */
export function runChoice(runFolder: string, record: RunRecord, name: string): RunChoice {
  const { script, args, seed, status, startedAt, steps } = record;
  return { runFolder, name, script, args, seed, status, startedAt, steps };
}
