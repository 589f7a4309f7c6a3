import { existsSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { COMPARED_COLUMNS, type RunChoice, type ToPageMessage } from "../protocol/page.ts";
import type { RunRecord } from "../protocol/run.ts";
import { pinBaseline, readBaseline } from "../store/baseline.ts";
import { readNotes } from "../store/notes.ts";
import { projectOf, RUN_DATABASE } from "../store/paths.ts";
import { openRun, type RunReader } from "../store/reader.ts";
import { storedSteps } from "./bins.ts";

/** Milliseconds between two looks at runs that are compared: for further steps, and for deleted ones. */
const LOOK_MS = 1000;

/** How much of a compared run a page has. */
interface Sent {
  run: RunRecord;
  steps: number;
  metrics: number;
}

/**
 * Sends a page the runs that it compares with the one that it shows, and the baseline: what is stored of
 * them, and of those that go on what is stored later. Any process may write them, and pin another.
 */
export class Comparison {
  readonly #post: (message: ToPageMessage) => unknown;
  readonly #sent = new Map<string, Sent>();
  readonly #runFolder: string;
  /** What the page has asked for. */
  #asked: readonly string[] = [];
  #baseline: string | undefined;
  /** Runs that were asked for in vain. */
  readonly #unreadable = new Set<string>();
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;

  /**
   * `runFolder` is that of the run that is shown. `post` sends to the page; where it returns a promise,
   * that resolves when the page can take more.
   */
  constructor(runFolder: string, post: (message: ToPageMessage) => unknown) {
    this.#runFolder = runFolder;
    this.#post = post;
    void this.#look();
  }

  /** Folders of the runs that the page has asked for. */
  get runFolders(): readonly string[] {
    return this.#asked.filter(folder => !this.#unreadable.has(folder));
  }

  /** Whether the page may ask for steps of a run. */
  has(runFolder: string): boolean {
    return this.#sent.has(runFolder);
  }

  /** Sends these runs, but for those that the page has. */
  show(runFolders: readonly string[]): void {
    for (const folder of runFolders) this.#unreadable.delete(folder);
    this.#asked = runFolders;
    this.#forget();
    void this.#look();
  }

  /** Pins a run as the baseline of the shown run's project, or none. The page hears why it could not. */
  pin(runFolder: string | undefined): void {
    try {
      pinBaseline(projectOf(this.#runFolder), runFolder);
    } catch (error) {
      this.#postBaseline({ problem: text(error) });
    }
    void this.#look();
  }

  dispose(): void {
    this.#isOver = true;
    this.#sent.clear();
    clearTimeout(this.#timer);
  }

  /** Folders of the runs that the page is to have. */
  get #wanted(): readonly string[] {
    const baseline = this.#baseline === this.#runFolder ? undefined : this.#baseline;
    const all = new Set([...(baseline === undefined ? [] : [baseline]), ...this.#asked]);
    return [...all].filter(folder => !this.#unreadable.has(folder));
  }

  /** Reads what is new, and what is asked for meanwhile; then again after a while. */
  async #look(): Promise<void> {
    if (this.#isReading || this.#isOver) return;
    this.#isReading = true;
    clearTimeout(this.#timer);
    // What made this object has something to send first.
    await setImmediate();
    this.#readBaseline();
    for (const folder of this.#wanted) await this.#update(folder);
    for (let folder = this.#missing; folder !== undefined; folder = this.#missing) {
      await this.#update(folder);
    }
    this.#isReading = false;
    if (!this.#isOver) this.#timer = setTimeout(() => void this.#look(), LOOK_MS);
  }

  /** A run that the page is to have, and of which it has nothing yet. */
  get #missing(): string | undefined {
    return this.#isOver ? undefined : this.#wanted.find(folder => !this.#sent.has(folder));
  }

  #readBaseline(): void {
    const baseline = readBaseline(projectOf(this.#runFolder));
    if (baseline === this.#baseline) return;
    this.#baseline = baseline;
    this.#forget();
    this.#postBaseline();
  }

  #postBaseline(problem?: { readonly problem: string }): void {
    const runFolder = this.#baseline;
    this.#post({ type: "baseline", ...(runFolder !== undefined && { runFolder }), ...problem });
  }

  /** The page forgets what it has not asked for. */
  #forget(): void {
    const wanted = this.#wanted;
    for (const folder of this.#sent.keys()) if (!wanted.includes(folder)) this.#sent.delete(folder);
  }

  async #update(folder: string): Promise<void> {
    const sent = this.#sent.get(folder);
    if (this.#isOver || !this.#wanted.includes(folder)) return;
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
      this.#unreadable.add(folder);
      this.#post({ type: "comparedGone", runFolder: folder, reason: text(error) });
    }
  }

  async #send(runFolder: string, reader: RunReader, known: Sent | undefined): Promise<void> {
    const run = reader.record();
    const sent: Sent = known ?? { run, steps: 0, metrics: 0 };
    if (!known) {
      this.#sent.set(runFolder, sent);
      const { name } = readNotes(runFolder);
      const stored = storedSteps(reader, run.steps);
      sent.steps = stored?.last ?? 0;
      await this.#post({ type: "compared", runFolder, name, run, ...(stored && { stored }) });
    } else if (run.steps !== known.run.steps || run.status !== known.run.status) {
      await this.#post({ type: "comparedRun", runFolder, run });
    }
    sent.run = run;
    for (const curves of reader.curves(COMPARED_COLUMNS, { from: sent.steps + 1, rates: true })) {
      if (this.#sent.get(runFolder) !== sent) return;
      sent.steps = curves.firstStep + curves.count - 1;
      await this.#post({ type: "comparedSteps", runFolder, curves });
      await setImmediate();
    }
    if (this.#sent.get(runFolder) !== sent) return;
    const metrics = reader.metrics().slice(sent.metrics);
    sent.metrics += metrics.length;
    if (metrics.length > 0) await this.#post({ type: "comparedMetrics", runFolder, metrics });
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A run as one chooses it. */
export function runChoice(runFolder: string, record: RunRecord, name: string): RunChoice {
  const { script, args, seed, status, startedAt, steps } = record;
  return { runFolder, name, script, args, seed, status, startedAt, steps };
}
