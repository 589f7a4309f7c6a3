/** Options of parameter groups that clients change while a script runs. */
import { type Part, takePart } from "../checkpoint/parts.ts";
import type { SteppingOptimizer } from "../insight/gate.ts";
import { type ChangeRecord, type Control, LIVE_OPTIONS } from "../protocol/control.ts";

type SetControl = Extract<Control, { type: "set" }>;

/** Changes of an option within this time are one: a slider is moved in many small ones. */
const GESTURE_MS = 1000;

/** What clients have set belongs to the state of a loop: going back brings back what was set then. */
export class LiveOptions implements Part {
  readonly #tell: (changes: readonly ChangeRecord[]) => void;
  /** Values of clients, by group and name. */
  readonly #values = new Map<string, number>();
  /** Options that were set and have not been applied, with the client's value before, if any. */
  readonly #pending = new Map<string, number | undefined>();
  #changes: readonly ChangeRecord[] = [];
  #changedAt = Number.NEGATIVE_INFINITY;

  /** @param tell hears all changes, whenever there is one more. */
  constructor(tell: (changes: readonly ChangeRecord[]) => void) {
    this.#tell = tell;
    takePart(this);
  }

  capture(): () => void {
    const [values, pending] = [new Map(this.#values), new Map(this.#pending)];
    return () => {
      replace(this.#values, values);
      replace(this.#pending, pending);
      this.#changedAt = Number.NEGATIVE_INFINITY;
    };
  }

  set({ group, name, value }: SetControl): void {
    const key = keyOf(group, name);
    if (!this.#pending.has(key)) this.#pending.set(key, this.#values.get(key));
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
  }

  /**
   * Gives the groups of an optimizer the values of clients for its step number `step`.
   * @returns gives them back their own: schedules go on from those.
   */
  apply({ paramGroups, groupIndices }: SteppingOptimizer, step: number): (() => void) | undefined {
    if (this.#values.size === 0 && this.#pending.size === 0) return undefined;
    const own: (() => void)[] = [];
    paramGroups.forEach((options: object, i) => {
      const group = groupIndices[i] ?? 0;
      const values = options as Record<string, unknown>;
      for (const name of LIVE_OPTIONS) {
        const scripts = values[name];
        if (typeof scripts !== "number") continue;
        const key = keyOf(group, name);
        const to = this.#values.get(key) ?? scripts;
        if (this.#pending.has(key)) {
          this.#note({ step, group, name, from: this.#pending.get(key) ?? scripts, to });
          this.#pending.delete(key);
        }
        if (to === scripts) continue;
        values[name] = to;
        own.push(() => {
          values[name] = scripts;
        });
      }
    });
    return () => {
      for (const putBack of own) putBack();
    };
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
    this.#tell(this.#changes);
  }
}

function replace<Key, Value>(map: Map<Key, Value>, by: ReadonlyMap<Key, Value>): void {
  map.clear();
  for (const [key, value] of by) map.set(key, value);
}

function keyOf(group: number, name: string): string {
  return `${group} ${name}`;
}
