import { setImmediate } from "node:timers/promises";
import { type BinsRequest, meansOnly, type TensorBins } from "../protocol/bins.ts";
import type { CurveBins, CurveRequest } from "../protocol/curves.ts";
import type { LogRecord } from "../protocol/messages.ts";
import type { FromPageMessage, StoredSteps, ToPageMessage } from "../protocol/page.ts";
import { Averages } from "../store/averages.ts";
import { openRun, type RunReader } from "../store/reader.ts";

/** Milliseconds for which a run stays open that nobody asks of: what is open cannot be deleted everywhere. */
const IDLE_MS = 2000;

/**
 * At least so many of the last steps of a long run are sent to a page in any case: their numbers are read. They
 * begin at a multiple, so that few bins are known in part alone.
 */
const LAST_STEPS = 512;

/** What of a run's steps, of which `last` is the last, is not sent but asked for; undefined for nothing. */
export function storedSteps(reader: RunReader, last: number): StoredSteps | undefined {
  const first = reader.firstStep();
  const end = (Math.floor((last + 1) / LAST_STEPS) - 1) * LAST_STEPS;
  if (!reader.isByColumns || first === undefined || end <= first + LAST_STEPS) return undefined;
  const totals = reader.totals();
  return {
    first,
    last: end - 1,
    names: totals.map(({ name }) => name),
    totals: Float64Array.from(
      totals.flatMap(({ least, greatest, firstOdd }) => [least, greatest, firstOdd]),
    ),
  };
}

/** Answers what pages ask of the steps of runs, which stay open between two questions. */
export class RunBins {
  readonly #open = new Map<string, OpenRun>();
  readonly #damaged: (logs: readonly LogRecord[]) => void;
  /** What was said of damage. */
  readonly #said = new Set<string>();

  /** `damaged` is told what cannot be read, once. */
  constructor(damaged: (logs: readonly LogRecord[]) => void) {
    this.#damaged = damaged;
  }

  /** The answer to a question about a run; undefined of a run that cannot be read any longer. */
  async answer(
    folder: string,
    { requests, curves, runFolder }: Extract<FromPageMessage, { type: "bins" }>,
  ): Promise<Extract<ToPageMessage, { type: "bins" }> | undefined> {
    const answered: { bins: TensorBins[]; curves: CurveBins[] } = { bins: [], curves: [] };
    try {
      for (const request of curves) {
        answered.curves.push(this.#run(folder).curve(request));
        // Others have something to do, too.
        await setImmediate();
      }
      for (const request of requests) {
        answered.bins.push(this.#run(folder).tensors(request));
        await setImmediate();
      }
    } catch {
      // It was deleted, which the page hears by another way.
      this.#close(folder);
      return undefined;
    }
    return { type: "bins", ...(runFolder !== undefined && { runFolder }), ...answered };
  }

  dispose(): void {
    for (const folder of this.#open.keys()) this.#close(folder);
  }

  #run(folder: string): OpenRun {
    const known =
      this.#open.get(folder) ??
      new OpenRun(
        folder,
        () => this.#close(folder),
        damage => this.#say(damage),
      );
    this.#open.set(folder, known);
    known.touch();
    return known;
  }

  #say(damage: string): void {
    if (this.#said.has(damage)) return;
    this.#said.add(damage);
    this.#damaged([{ level: "warn", text: damage, time: Date.now(), step: 0 }]);
  }

  #close(folder: string): void {
    this.#open.get(folder)?.close();
    this.#open.delete(folder);
  }
}

class OpenRun {
  readonly #reader: RunReader;
  readonly #averages = new Averages();
  readonly #idle: () => void;
  readonly #damaged: (damage: string) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string, idle: () => void, damaged: (damage: string) => void) {
    this.#reader = openRun(folder);
    this.#idle = idle;
    this.#damaged = damaged;
  }

  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#idle, IDLE_MS);
  }

  curve(request: CurveRequest): CurveBins {
    const reader = this.#reader;
    return reader.atOnce(() => {
      const bins = this.#checked(reader.curveBins(request));
      const { smoothing } = request;
      const none = { averages: new Float64Array(), biases: new Float64Array() };
      if (!smoothing) return { ...bins, ...none };
      return {
        ...bins,
        ...this.#averages.of(reader, request, smoothing, bins.first, bins.mean.length),
      };
    });
  }

  tensors(request: BinsRequest): TensorBins {
    const bins = this.#checked(this.#reader.bins(request));
    return request.only ? meansOnly(bins) : bins;
  }

  #checked<T>(read: T): T {
    const { damage } = this.#reader;
    if (damage !== undefined) this.#damaged(damage);
    return read;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#reader.close();
  }
}
