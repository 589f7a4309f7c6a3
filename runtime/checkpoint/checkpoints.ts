/** Checkpoints on disk: everything that a training loop needs to go on in another process. */
import { mkdirSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { observer } from "../insight/observer.ts";
import {
  CHECKPOINT_SUFFIX,
  CHECKPOINTS_VARIABLE,
  RESUME_VARIABLE,
} from "../protocol/checkpoint.ts";
import { getRngState, type RandomStream, setRngState } from "../tensor/random.ts";
import { load, save } from "./archive.ts";
import { removeUnfinished } from "./atomic.ts";
import { beforeStop } from "./stopping.ts";

/** Something whose state a checkpoint holds: a module, an optimizer, a schedule, a loader, your own. */
export interface Stateful<State = never> {
  stateDict(): unknown;
  loadStateDict(state: State): unknown;
}

/** What belongs to a checkpoint, by names of your choice; what is undefined is left out. */
export type CheckpointParts = Readonly<Record<string, Stateful | undefined>>;

/** Where a loop stood when a checkpoint was saved. */
export interface Position {
  /** Steps, or epochs, done. */
  readonly step: number;
  /** What tells which checkpoint is best, such as the validation loss. */
  readonly metric?: number;
  /** Anything else that the script needs to go on: see `save` for what it may hold. */
  readonly extra?: unknown;
}

/** What a checkpoint says beside the states of its parts, under a name that no part may have. */
interface CheckpointRecord extends Position {
  readonly random: RandomStream;
}

const RECORD = "checkpoint";

/**
 * Writes a checkpoint: the states of all parts as they are at the call, and that of the random numbers.
 * It replaces an older file in one step: a process that is killed leaves the old one or the new one.
 * Python's `safetensors` reads the weights from it, as `model.0.weight`.
 */
export async function saveCheckpoint(
  path: string,
  parts: CheckpointParts,
  position: Position,
): Promise<void> {
  const states = definedParts(parts).map(([name, part]) => [name, part.stateDict()]);
  const record: CheckpointRecord = { ...position, random: getRngState() };
  await save({ ...Object.fromEntries(states), [RECORD]: record }, path);
}

/**
 * Reads a checkpoint into its parts. The loop then goes on as it did when it was saved, bit by bit.
 * @throws Error if the file is damaged, or if it lacks the state of a part.
 */
export async function loadCheckpoint(path: string, parts: CheckpointParts): Promise<Position> {
  const { states, record } = await readCheckpoint(path);
  const named = definedParts(parts);
  for (const [name] of named) {
    if (Object.hasOwn(states, name)) continue;
    throw new Error(`${path} has no state of "${name}"; it has ${Object.keys(states).join(", ")}`);
  }
  for (const [name, part] of named) part.loadStateDict(states[name] as never);
  const { random, ...position } = record;
  setRngState(random);
  return position;
}

export interface CheckpointsOptions {
  /** Steps between two checkpoints of `saveIfDue`; without it that saves when the run is stopped. */
  readonly every?: number;
  /**
   * Where they are kept; made where it does not exist. By default in the folder of the run, and under
   * plain Node in `checkpoints/`.
   */
  readonly folder?: string;
  /** How many of the latest to keep. 1 by default. */
  readonly keepLast?: number;
  /** Also keeps the one with the smallest, or the largest, metric. */
  readonly keepBest?: "min" | "max";
}

/** A checkpoint in the folder. */
interface Kept {
  readonly path: string;
  readonly metric: number | undefined;
}

/**
 * The checkpoints of a run:
 *
 *     const checkpoints = new Checkpoints({ model, optimizer, loader }, { every: 100 });
 *     const { step: done = 0 } = (await checkpoints.resume()) ?? {};
 *     for (let step = done + 1; step <= steps; step++) {
 *       …
 *       await optimizer.step();
 *       await checkpoints.saveIfDue({ step });
 *     }
 *
 * A script with passes over a loader keeps its epoch in `extra`, and begins with that one: the first
 * pass is the rest of it, which may be empty.
 */
export class Checkpoints {
  readonly folder: string;
  readonly #parts: CheckpointParts;
  readonly #every: number;
  readonly #keepLast: number;
  readonly #keepBest: "min" | "max" | undefined;
  /** Oldest first. */
  #kept: readonly Kept[] = [];
  /** Step of the last checkpoint, or of the one gone on from. */
  #savedStep = 0;
  /** Whether a stop is to be heard of, and the one that waits for a checkpoint. */
  #isListening = false;
  #stop: PromiseWithResolvers<void> | undefined;

  /** @throws RangeError if an option is out of its range. */
  constructor(parts: CheckpointParts, options: CheckpointsOptions = {}) {
    const { folder, every = Number.POSITIVE_INFINITY, keepLast = 1, keepBest } = options;
    if (every !== Number.POSITIVE_INFINITY && !(Number.isInteger(every) && every >= 1)) {
      throw new RangeError(`Checkpoints: every should be a positive integer, got ${every}`);
    }
    if (!Number.isInteger(keepLast) || keepLast < 1) {
      throw new RangeError(`Checkpoints: keepLast should be a positive integer, got ${keepLast}`);
    }
    if (keepBest !== undefined && keepBest !== "min" && keepBest !== "max") {
      throw new RangeError(`Checkpoints: keepBest should be "min" or "max", got ${keepBest}`);
    }
    this.folder = resolve(folder ?? process.env[CHECKPOINTS_VARIABLE] ?? "checkpoints");
    this.#parts = parts;
    this.#every = every;
    this.#keepLast = keepLast;
    this.#keepBest = keepBest;
  }

  /**
   * Saves a checkpoint as `step-N.safetensors` in the folder, and removes those that need not be kept.
   * What is saved is the state at the call. Steps that are only tried, in a branch, leave nothing behind.
   * @returns its path.
   * @throws TypeError if there is no metric to tell which one is best.
   */
  async save(position: Position): Promise<string> {
    const { step, metric } = position;
    if (!Number.isSafeInteger(step) || step < 0) {
      throw new RangeError(`Checkpoints: step should be a whole number of at least 0, got ${step}`);
    }
    if (this.#keepBest && typeof metric !== "number") {
      throw new TypeError("Checkpoints: keepBest needs a number as metric: save({ step, metric })");
    }
    const path = join(this.folder, `step-${step}${CHECKPOINT_SUFFIX}`);
    if (observer()?.isTrial) return path;
    mkdirSync(this.folder, { recursive: true });
    await saveCheckpoint(path, this.#parts, position);
    this.#savedStep = step;
    this.#kept = [...this.#kept.filter(kept => kept.path !== path), { path, metric }];
    await this.#removeOld();
    return path;
  }

  /**
   * Saves a checkpoint if `every` steps have passed since the last one, or if the run has been told to
   * stop: it then ends with this one. To be called behind every step.
   * @returns its path, where one was saved.
   * @throws as `save`.
   */
  async saveIfDue(position: Position): Promise<string | undefined> {
    if (!this.#isListening) {
      this.#isListening = true;
      beforeStop(() => {
        this.#stop ??= Promise.withResolvers();
        return this.#stop.promise;
      });
    }
    const stop = this.#stop;
    if (observer()?.isTrial) return undefined;
    if (!stop && position.step - this.#savedStep < this.#every) return undefined;
    const path = await this.save(position);
    stop?.resolve();
    return path;
  }

  /**
   * Goes on from a checkpoint, where the run was started to do so: by `stepscope train --resume RUN`,
   * or with the environment variable STEPSCOPE_RESUME, which names a checkpoint, or a folder of which
   * the newest is taken.
   * @returns where the loop stood; undefined if the run begins anew.
   * @throws Error if there is no checkpoint, or as `loadCheckpoint`.
   */
  async resume(): Promise<Position | undefined> {
    const from = process.env[RESUME_VARIABLE];
    if (!from) return undefined;
    const isFolder = (await stat(from)).isDirectory();
    const path = isFolder ? (await checkpointsIn(from)).at(-1) : from;
    if (path === undefined) throw new Error(`There is no checkpoint in ${from}`);
    const position = await loadCheckpoint(path, this.#parts);
    this.#savedStep = position.step;
    if (isFolder && resolve(from) === this.folder) await this.#adopt();
    return position;
  }

  /** Takes over what an earlier process left in the folder. */
  async #adopt(): Promise<void> {
    await removeUnfinished(this.folder);
    const paths = await checkpointsIn(this.folder);
    this.#kept = await Promise.all(
      paths.map(async path => ({ path, metric: (await readCheckpoint(path)).record.metric })),
    );
  }

  async #removeOld(): Promise<void> {
    const best = this.#best();
    const old = this.#kept.slice(0, -this.#keepLast).filter(kept => kept !== best);
    this.#kept = this.#kept.filter(kept => !old.includes(kept));
    await Promise.all(old.map(({ path }) => rm(path, { force: true })));
  }

  #best(): Kept | undefined {
    if (!this.#keepBest) return undefined;
    const sign = this.#keepBest === "min" ? 1 : -1;
    const value = ({ metric = Number.NaN }: Kept) => sign * metric;
    return this.#kept
      .filter(kept => !Number.isNaN(value(kept)))
      .reduce<Kept | undefined>(
        (best, kept) => (best && value(best) <= value(kept) ? best : kept),
        undefined,
      );
  }
}

/** Paths of the checkpoints in a folder, in the order in which they were written. */
async function checkpointsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter(
    name => name.endsWith(CHECKPOINT_SUFFIX) && !name.startsWith("."),
  );
  const dated = await Promise.all(
    names.map(async name => {
      const path = join(folder, name);
      return { path, time: (await stat(path)).mtimeMs };
    }),
  );
  return dated.sort((a, b) => a.time - b.time).map(({ path }) => path);
}

async function readCheckpoint(path: string) {
  const { [RECORD]: record, ...states } = (await load(path)) as {
    readonly [name: string]: unknown;
  };
  if (typeof record !== "object" || record === null || !("random" in record)) {
    throw new Error(`${path} is not a checkpoint: saveCheckpoint() and Checkpoints write those`);
  }
  return { states, record: record as CheckpointRecord };
}

function definedParts(parts: CheckpointParts): [string, Stateful][] {
  if (Object.hasOwn(parts, RECORD)) {
    throw new RangeError(`A part of a checkpoint cannot have the name "${RECORD}"`);
  }
  return Object.entries(parts).filter((entry): entry is [string, Stateful] => !!entry[1]);
}
