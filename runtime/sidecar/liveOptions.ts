/** What clients change while a script runs: options of parameter groups, and limits of gradients. */
import { type Part, takePart } from "../checkpoint/parts.ts";
import type { SteppingOptimizer } from "../insight/gate.ts";
import {
  type ChangeRecord,
  type ClipLimit,
  LIVE_OPTIONS,
  type LiveOption,
  type OptionRecord,
  type SetOption,
} from "../protocol/control.ts";
import type { GroupRecord } from "../protocol/run.ts";

/** Options of a parameter group, by the names that the optimizer has for them. */
type GroupOptions = Record<string, unknown>;

/** Who hears of it. */
export interface OptionListener {
  /** Says what groups of parameters were made with, when there is a new one. */
  groups(groups: readonly GroupRecord[]): void;
  /** Says what can be changed, and what it is. */
  options(options: readonly OptionRecord[]): void;
  /** Says what has been changed until now. */
  changed(changes: readonly ChangeRecord[]): void;
}

/** Changes of an option within this time are one: a slider is moved in many small ones. */
const GESTURE_MS = 1000;

/** Shortest time between two looks at what a schedule has made of the options. */
const LOOK_MS = 1000;

/** Of η a client sets either a value or a factor. */
const RIVALS: Partial<Readonly<Record<LiveOption, LiveOption>>> = {
  lr: "lrFactor",
  lrFactor: "lr",
};

/** Places in `betas`. */
const BETAS: Partial<Readonly<Record<LiveOption, 0 | 1>>> = { beta1: 0, beta2: 1 };

/** What clients have set belongs to the state of a loop: going back brings back what was set then. */
export class LiveOptions implements Part {
  readonly #listener: OptionListener;
  readonly #givenLr: number | undefined;
  /** What makes it of the script's. */
  #givenFactor: number | undefined;
  /** Values of clients, by group and name. */
  readonly #values = new Map<string, number>();
  /** Options that were set and have not been applied, with what was in force before, where known. */
  readonly #pending = new Map<string, number | undefined>();
  /** The groups of the run by their index: between two steps they have the script's own values. */
  readonly #groups = new Map<number, GroupOptions>();
  readonly #made = new Map<number, GroupRecord>();
  /** The limits of the script's last calls. */
  readonly #limits = new Map<LiveOption, number>();
  #changes: readonly ChangeRecord[] = [];
  #changedAt = Number.NEGATIVE_INFINITY;
  /** What was told last, as JSON, and when that was looked at. */
  #told = "";
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** What is in force is tried, and no change of the run. */
  #isTrial = false;

  /** `lr`: η of the first group that is met, in the place of what the script made it with. */
  constructor(listener: OptionListener, lr?: number) {
    this.#listener = listener;
    this.#givenLr = lr;
    takePart(this);
  }

  capture(): () => void {
    const [values, pending] = [new Map(this.#values), new Map(this.#pending)];
    return () => {
      replace(this.#values, values);
      replace(this.#pending, pending);
      this.#changedAt = Number.NEGATIVE_INFINITY;
      this.#isTrial = false;
    };
  }

  /** What multiplies η of every group by a factor: where a client has set η itself, of that value. */
  timesRate(factor: number): SetOption[] {
    return [...this.#groups.keys()].flatMap(group => {
      if (this.#own(group, "lr") === undefined) return [];
      const lr = this.#values.get(keyOf(group, "lr"));
      const now = lr ?? this.#values.get(keyOf(group, "lrFactor")) ?? 1;
      const name = lr === undefined ? "lrFactor" : "lr";
      return { type: "set" as const, group, name, value: factor * now };
    });
  }

  /**
   * What is made of the rate that script and schedule give a group; undefined where a client has set the rate
   * itself. `firstLr`: what the first group that steps was made with.
   */
  rateFactor(group: number, firstLr: number | undefined): number | undefined {
    if (this.#values.has(keyOf(group, "lr"))) return undefined;
    const factor = this.#values.get(keyOf(group, "lrFactor"));
    if (factor !== undefined || this.#groups.has(group)) return factor ?? 1;
    // It will be multiplied with its first step, or refused then.
    return this.#givenFactor ?? (firstLr ? factorOf(this.#givenLr, firstLr) : undefined) ?? 1;
  }

  /** Sets options until the state is put back; nobody is told, and nothing noted. */
  try(options: readonly SetOption[]): void {
    this.#isTrial = true;
    for (const option of options) this.set(option);
  }

  /** To be called between two steps, as `tell`. */
  set({ group, name, value }: SetOption): void {
    const key = keyOf(group, name);
    if (!this.#pending.has(key)) this.#pending.set(key, this.#inForce(group, name));
    const rival = RIVALS[name];
    if (rival) this.#values.delete(keyOf(group, rival));
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
  }

  /** Says what there is, if that is not what was said last. */
  tell(): void {
    if (this.#isTrial) return;
    const options = this.#list();
    this.#lookedAt = performance.now();
    const text = JSON.stringify(options);
    if (text === this.#told) return;
    this.#told = text;
    this.#listener.options(options);
  }

  /** The limit of a call that clips the gradients of step `step`, by `scripts` as the script has it. */
  limit(name: ClipLimit, scripts: number, step: number): number {
    const isNew = !this.#limits.has(name);
    this.#limits.set(name, scripts);
    const to = this.#inForce(0, name) ?? scripts;
    this.#applied(0, name, scripts, to, step);
    if (isNew) this.tell();
    return to;
  }

  /**
   * Gives the groups of an optimizer the values of clients for its step number `step`.
   * @returns gives them back their own: schedules go on from those.
   */
  apply(optimizer: SteppingOptimizer, step: number): (() => void) | undefined {
    const { groupIndices } = optimizer;
    const isNew = this.#meet(optimizer);
    if (isNew || performance.now() - this.#lookedAt >= LOOK_MS) this.tell();
    if (this.#values.size === 0 && this.#pending.size === 0) return undefined;
    const own: (() => void)[] = [];
    for (const group of groupIndices) {
      const options = this.#groups.get(group);
      if (!options) continue;
      for (const name of LIVE_OPTIONS) {
        const scripts = this.#own(group, name);
        if (scripts === undefined || this.#limits.has(name)) continue;
        const to = this.#inForce(group, name) ?? scripts;
        this.#applied(group, name, scripts, to, step);
        // The factor is in η.
        if (to !== scripts && name !== "lrFactor") own.push(put(options, name, to));
      }
    }
    return () => {
      // Betas are two of one array: the first to be changed is the last to be put back.
      for (const putBack of own.reverse()) putBack();
    };
  }

  /** Gets to know the groups of an optimizer; whether one is new. */
  #meet({ paramGroups, groupIndices, firstLr }: SteppingOptimizer): boolean {
    let isNew = false;
    this.#givenFactor ??= factorOf(this.#givenLr, firstLr);
    paramGroups.forEach((options, i) => {
      const group = groupIndices[i] ?? 0;
      if (this.#groups.get(group) === options) return;
      const value = this.#groups.has(group) ? undefined : this.#givenFactor;
      this.#groups.set(group, options as unknown as GroupOptions);
      if (value !== undefined) this.set({ type: "set", group, name: "lrFactor", value });
      this.#made.set(group, { group, options: textsOf(options as unknown as GroupOptions) });
      isNew = true;
    });
    if (isNew) this.#listener.groups([...this.#made.values()]);
    return isNew;
  }

  /** All that can be changed. */
  #list(): OptionRecord[] {
    return [...this.#groups.keys()].flatMap(group =>
      LIVE_OPTIONS.flatMap(name => {
        const own = this.#own(group, name);
        return own === undefined
          ? []
          : [{ group, name, value: this.#inForce(group, name) ?? own, own }];
      }),
    );
  }

  /** What script and schedule make of an option; undefined where there is none of that name. */
  #own(group: number, name: LiveOption): number | undefined {
    if (name === "maxNorm" || name === "clipValue") {
      return group === 0 ? this.#limits.get(name) : undefined;
    }
    const options = this.#groups.get(group);
    if (name === "lrFactor") return options && 1;
    const beta = BETAS[name];
    const value = beta === undefined ? options?.[name] : betasOf(options)?.[beta];
    return typeof value === "number" ? value : undefined;
  }

  /** What the next step has, as far as is known; of an option that nobody has set its own. */
  #inForce(group: number, name: LiveOption): number | undefined {
    const value = this.#values.get(keyOf(group, name));
    const own = this.#own(group, name);
    if (value !== undefined || own === undefined || name !== "lr") return value ?? own;
    return own * (this.#values.get(keyOf(group, "lrFactor")) ?? 1);
  }

  /** Notes the change of an option that was set and is in force for the first time. */
  #applied(group: number, name: LiveOption, scripts: number, to: number, step: number): void {
    const key = keyOf(group, name);
    if (this.#isTrial || !this.#pending.has(key)) return;
    this.#note({ step, group, name, from: this.#pending.get(key) ?? scripts, to });
    this.#pending.delete(key);
  }

  #note(change: ChangeRecord): void {
    if (change.from === change.to) return;
    const now = performance.now();
    const last = this.#changes.at(-1);
    const isSame = last?.group === change.group && last.name === change.name;
    this.#changes =
      last && isSame && now - this.#changedAt < GESTURE_MS
        ? [...this.#changes.slice(0, -1), { ...last, to: change.to }]
        : [...this.#changes, change];
    this.#changedAt = now;
    this.#listener.changed(this.#changes);
  }
}

/**
 * What makes a learning rate that was given of the script's: schedules, and groups with rates of their
 * own, keep their proportions.
 * @throws RangeError where the script's is 0, of which no factor makes another.
 */
function factorOf(given: number | undefined, scripts: number | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (scripts) return given / scripts;
  throw new RangeError(
    `The learning rate cannot be set to ${given}: the script makes its optimizer with lr: ${scripts}, and ` +
      "it is multiplied. Write another one there.",
  );
}

/** Gives an option a value. Returns what puts its own back. */
function put(options: GroupOptions, name: LiveOption, value: number): () => void {
  const beta = BETAS[name];
  const key = beta === undefined ? name : "betas";
  const before = options[key];
  options[key] = beta === undefined ? value : betasOf(options)?.with(beta, value);
  return () => {
    options[key] = before;
  };
}

/** Longest option that is recorded, in characters: no list of a million numbers. */
const MOST_CHARACTERS = 200;

/** Options as they are recorded; of what JSON cannot hold there is nothing to compare. */
function textsOf({ params: _, ...options }: GroupOptions): Record<string, string> {
  const texts = Object.entries(options).map(([name, value]) => {
    const isPlain = ["number", "boolean", "string"].includes(typeof value) || Array.isArray(value);
    return [name, isPlain ? JSON.stringify(value).slice(0, MOST_CHARACTERS) : ""] as const;
  });
  return Object.fromEntries(texts.filter(([, text]) => text !== ""));
}

function betasOf(options: GroupOptions | undefined): readonly unknown[] | undefined {
  const betas = options?.betas;
  return Array.isArray(betas) ? betas : undefined;
}

function replace<Key, Value>(map: Map<Key, Value>, by: ReadonlyMap<Key, Value>): void {
  map.clear();
  for (const [key, value] of by) map.set(key, value);
}

function keyOf(group: number, name: string): string {
  return `${group} ${name}`;
}
