/** Pause, step and resume against a model of a loop. */
import { describe, expect, test } from "vitest";
import { allParts } from "../../runtime/checkpoint/parts.ts";
import { type KeyTarget, pressKey } from "../../runtime/cli/keys.ts";
import type { Branches } from "../../runtime/protocol/branch.ts";
import type {
  ChangeRecord,
  Control,
  LoopOrder,
  OptionRecord,
} from "../../runtime/protocol/control.ts";
import type { PlannedRates } from "../../runtime/protocol/plannedRates.ts";
import {
  type RewindRecord,
  stepBackTarget,
  stretchesInForce,
  stretchesTakenBack,
  undoTarget,
} from "../../runtime/protocol/rewind.ts";
import type { GroupRecord } from "../../runtime/protocol/run.ts";
import { STEP_COLUMNS, type StepBatch } from "../../runtime/protocol/steps.ts";
import type { Trials } from "../../runtime/sidecar/branching.ts";
import { FindingWatch } from "../../runtime/sidecar/findingWatch.ts";
import { LoopControl } from "../../runtime/sidecar/loopControl.ts";
import { type Snapshots, Timeline } from "../../runtime/sidecar/timeline.ts";
import { randomNumbers } from "./random.ts";
import { exampleFinding } from "./run-example.ts";

/** A number that tells which steps were taken, at which rates. */
const stepped = (state: number, lr: number) => (state * 31 + lr) % 1_000_003;

/** A loop whose state is one number, and what its clients are told. */
class Loop {
  steps = 0;
  state = 0;
  kept = new Map<number, () => void>();
  rewinds: readonly RewindRecord[] = [];
  readonly warnings: string[] = [];
  tried: (batch: StepBatch) => void = () => {};
  branches: Branches | undefined;
  readonly optimizer = { paramGroups: [{ lr: 1 }], groupIndices: [0] };
  resumed = 0;
  armed = 0;
  /** Steps that were searched, and the states that they led to. */
  readonly found: { readonly step: number; readonly state: number }[] = [];
  readonly inbox: LoopOrder[] = [];
  readonly told: boolean[] = [];
  changes: readonly ChangeRecord[] = [];
  options: readonly OptionRecord[] = [];
  groups: readonly GroupRecord[] = [];
  planned: readonly PlannedRates[] = [];
  readonly control = new LoopControl(
    {
      stepCount: () => this.steps,
      drain: async () => {},
      loopResumed: () => this.resumed++,
      snapshots: this.#snapshots(),
      trials: this.#trials(),
      locator: {
        arm: () => this.armed++,
        disarm: () => {},
        find: async step => {
          const { state } = this;
          return () => this.found.push({ step, state });
        },
      },
    },
    {
      take: () => this.inbox.shift(),
      held: isHeld => this.told.push(isHeld),
      keepAlive: () => {},
      groups: groups => {
        this.groups = groups;
      },
      planned: planned => {
        this.planned = planned;
      },
      options: options => {
        this.options = options;
      },
      changed: changes => {
        this.changes = changes;
      },
      kept: () => {},
      rewound: rewinds => {
        this.rewinds = rewinds;
      },
      warn: text => this.warnings.push(text),
    },
  );

  /** As a SnapshotRing has them, of this state and of all parts. */
  #snapshots(): Snapshots {
    const loop = this;
    return {
      budget: 1,
      get steps() {
        return [...loop.kept.keys()];
      },
      take: step => {
        const { state } = loop;
        const puts = allParts().map(part => part.capture());
        loop.kept.delete(step);
        loop.kept.set(step, () => {
          loop.state = state;
          for (const put of puts) put();
        });
        return true;
      },
      rewind: to => {
        const found = [...loop.kept.keys()].findLast(step => step <= to);
        if (found !== undefined) loop.kept.get(found)?.();
        return found;
      },
      clear: () => this.kept.clear(),
    };
  }

  /** As the recorder and snapshots do: the loss of a step is the state that it leads to. */
  #trials(): Trials {
    return {
      snapshot: () => {
        const { state } = this;
        const puts = allParts().map(part => part.capture());
        const restore = () => {
          this.state = state;
          for (const put of puts) put();
        };
        return { restore, free: () => {} };
      },
      begin: tried => {
        const { steps } = this;
        this.tried = tried;
        return () => {
          this.steps = steps;
          this.tried = () => {};
        };
      },
      told: branches => {
        this.branches = branches;
      },
    };
  }

  async run(until: () => boolean): Promise<void> {
    while (!until()) {
      this.take();
      await (this.control.after(this.optimizer) ?? Promise.resolve());
    }
  }

  /** Takes a step; the rate in it. */
  take(): number {
    const putBack = this.control.before(this.optimizer);
    const [group] = this.optimizer.paramGroups;
    const lr = group?.lr ?? 0;
    this.state = stepped(this.state, lr);
    putBack?.();
    this.steps++;
    this.tried({
      firstStep: this.steps,
      count: 1,
      groups: 1,
      tensorCount: 0,
      steps: new Float64Array(STEP_COLUMNS.length).fill(this.state),
      lr: Float64Array.of(lr),
      tensors: new Float32Array(),
    });
    return lr;
  }

  async send(...controls: LoopOrder[]): Promise<void> {
    this.inbox.push(...controls);
    this.control.receive();
    await settled();
  }
}

/** Lets everything happen that is ready to. */
const settled = () => new Promise(resolve => setImmediate(resolve));

describe("a loop under control", () => {
  test("is where it should be after any of 6,000 sequences of controls, in the state it should be in", async () => {
    const pick = randomNumbers(6);
    const below = (n: number) => Math.floor(pick() * n);
    for (let round = 0; round < 60; round++) {
      const loop = new Loop();
      let isOver = false;
      // Held from its first step on, so that every control finds it at rest.
      loop.inbox.push({ type: "pause" });
      const running = loop.run(() => isOver);
      // The model: where the loop stands, its state and rate, and those of the places it stood at.
      const model = { steps: 1, state: stepped(0, 1), lr: 1 };
      const places = new Map<number, { readonly state: number; readonly lr: number }>();
      for (let i = 0; i < 100; i++) {
        await settled();
        // What is set there later belongs to the steps behind it.
        const here = { state: model.state, lr: model.lr };
        if (!places.has(model.steps)) places.set(model.steps, here);
        const burst: LoopOrder[] = [];
        let target = model.steps;
        for (let n = 0; n <= below(4); n++) {
          const kind = below(7);
          if (kind === 0) {
            const count = 1 + below(5);
            burst.push({ type: "step", count });
            target += count;
          } else if (kind === 1) {
            burst.push({ type: "pause" });
            target = model.steps;
          } else if (kind === 2 && n === 0) {
            target += 1 + below(5);
            burst.push({ type: "runTo", step: target });
          } else if (kind === 3) {
            model.lr = 2 + below(50);
            burst.push({ type: "set", group: 0, name: "lr", value: model.lr });
          } else if (kind === 4) {
            // Held as by a pause, and back before whatever comes next.
            burst.push({ type: "branch", factors: [2, 0.5], steps: 1 + below(3) });
            target = model.steps;
          } else if (kind === 5) {
            // Beside the run: it knows nothing of it.
            burst.push({ type: "search", step: 1 + below(model.steps) });
          } else {
            const to = 1 + below(model.steps);
            burst.push({ type: "rewind", step: to });
            const step = [...places.keys()].findLast(place => place <= to) ?? 0;
            Object.assign(model, places.get(step));
            if (step !== model.steps) {
              places.delete(model.steps);
              places.set(model.steps, { state: model.state, lr: model.lr });
            }
          }
        }
        for (; model.steps < target; model.steps++) model.state = stepped(model.state, model.lr);
        await loop.send(...burst);
        expect([round, i, loop.steps, loop.state]).toEqual([round, i, model.steps, model.state]);
      }
      isOver = true;
      await loop.send({ type: "resume" });
      await running;
      expect(loop.steps).toBe(model.steps);
      expect(loop.told.at(-1)).toBe(false);
      expect(loop.warnings).toEqual([]);
    }
  });

  test("tries learning rates one after the other, and is then where it was", async () => {
    const loop = new Loop();
    loop.inbox.push({ type: "runTo", step: 3 });
    const running = loop.run(() => loop.steps === 9);
    await settled();
    const { state } = loop;
    await loop.send({ type: "branch", factors: [2, 1], steps: 2 });
    const tried = (lr: number) => [stepped(state, lr), stepped(stepped(state, lr), lr)];
    expect(loop.branches).toMatchObject({ step: 3, steps: 2, count: 2, isOver: true });
    expect(loop.branches?.branches.map(({ lr, losses }) => [lr, [...losses]])).toEqual([
      [2, tried(2)],
      [1, tried(1)],
    ]);
    expect([loop.steps, loop.state, loop.changes]).toEqual([3, state, []]);
    expect(loop.told).toEqual([true]);
    await loop.send({ type: "step", count: 2 });
    expect([loop.steps, loop.state]).toEqual([5, tried(1)[1]]);
    await loop.send({ type: "resume" });
    await running;
  });

  test("looks for a step beside the run, which goes on as if it had not", async () => {
    const loop = new Loop();
    const stateBehind = (steps: number) =>
      Array.from({ length: steps }).reduce<number>(state => stepped(state, 1), 0);
    const running = loop.run(() => loop.steps === 30);
    loop.inbox.push({ type: "runTo", step: 4 });
    await settled();
    await loop.send({ type: "runTo", step: 9 });
    await loop.send({ type: "search", step: 7 });
    expect(loop.found).toEqual([{ step: 7, state: stateBehind(7) }]);
    expect([loop.steps, loop.state, loop.armed]).toEqual([9, stateBehind(9), 1]);
    expect([loop.rewinds, loop.changes]).toEqual([[], []]);

    // Where it runs it is not held for that, and where nothing is kept before the step nothing is looked for.
    await loop.send({ type: "search", step: 9 }, { type: "resume" });
    loop.inbox.push({ type: "search", step: 1 });
    await running;
    expect(loop.found).toHaveLength(1);
    expect(loop.told).toEqual([true, false, true, false]);
    expect(loop.state).toBe(stateBehind(30));
  });

  test("is searched from the state right before a step: what that computes is remembered", async () => {
    const loop = new Loop();
    const running = loop.run(() => loop.steps === 30);
    loop.inbox.push({ type: "runTo", step: 7 });
    await settled();
    const { state } = loop;
    await loop.send({ type: "runTo", step: 9 });
    await loop.send({ type: "locate", step: 8 });
    expect([loop.armed, loop.found]).toEqual([1, [{ step: 10, state: stepped(state, 1) }]]);
    expect([loop.steps, loop.state]).toEqual([10, state]);
    await loop.send({ type: "resume" });
    await running;
  });

  test.each<LoopOrder[]>([[{ type: "pause" }], [{ type: "rewind", step: 4 }, { type: "pause" }]])(
    "is not searched any more once it was sent elsewhere: %j",
    async (...elsewhere) => {
      const loop = new Loop();
      const running = loop.run(() => {
        // Half way from step 4, to which it was put back, to the one that is searched.
        if (loop.steps === 11) loop.inbox.push(...elsewhere.splice(0));
        return loop.steps === 30;
      });
      loop.inbox.push({ type: "runTo", step: 4 });
      await settled();
      await loop.send({ type: "runTo", step: 9 });
      await loop.send({ type: "locate", step: 8 });
      expect([loop.steps, loop.found]).toEqual([12, []]);
      const { state } = loop;
      await loop.send({ type: "step", count: 1 });
      expect([loop.steps, loop.state]).toEqual([13, stepped(state, 1)]);
      expect([loop.found, loop.armed]).toEqual([[], 0]);
      await loop.send({ type: "locate", step: 13 }, { type: "pause" });
      expect([loop.steps, loop.found]).toEqual([13, []]);
      await loop.send({ type: "resume" });
      await running;
    },
  );

  test("says so where the script leaves it in a branch, for another one or for good", async () => {
    const loop = new Loop();
    const other = { paramGroups: [{ lr: 1 }], groupIndices: [1] };
    loop.inbox.push({ type: "runTo", step: 2 });
    const running = (async () => {
      await loop.run(() => loop.steps === 3);
      for (let i = 0; i < 40; i++) {
        loop.control.before(other)?.();
        loop.steps++;
        await (loop.control.after(other) ?? Promise.resolve());
      }
    })();
    await settled();
    const { state } = loop;
    await loop.send({ type: "branch", factors: [2], steps: 9 });
    expect(loop.branches?.problem).toBe(
      "The script left its loop behind step 1 of 9 of a branch: no more were to come. The run has its " +
        "2 steps, and no more of this loop.",
    );
    expect([loop.steps, loop.state]).toEqual([2, state]);
    await loop.send({ type: "resume" });
    await running;
    expect(loop.steps).toBe(2 + 23);
    loop.control.ended();
    expect(loop.warnings).toEqual([]);
  });

  test("steps that are asked for while it steps add up, and pause forgets them", async () => {
    const loop = new Loop();
    loop.inbox.push({ type: "pause" });
    const running = loop.run(() => loop.steps === 100);
    await settled();
    expect([loop.steps, loop.told]).toEqual([1, [true]]);
    await loop.send({ type: "step", count: 3 }, { type: "step", count: 2 });
    expect(loop.steps).toBe(6);
    await loop.send({ type: "step", count: 30 }, { type: "pause" });
    expect(loop.steps).toBe(6);
    await loop.send({ type: "runTo", step: 4 });
    expect(loop.steps).toBe(6);
    expect(loop.resumed).toBe(1);
    await loop.send({ type: "resume" });
    await running;
    expect(loop.told).toEqual([true, false, true, false]);
  });

  test("hears of what went wrong while it was brought to rest", async () => {
    const control = new LoopControl(
      {
        stepCount: () => 1,
        drain: () => Promise.reject(new Error("device lost")),
        loopResumed: () => {},
        snapshots: {
          budget: 0,
          steps: [],
          take: () => false,
          rewind: () => undefined,
          clear: () => {},
        },
      },
      {
        take: once({ type: "pause" }),
        held: () => {},
        keepAlive: () => {},
        groups: () => {},
        planned: () => {},
        options: () => {},
        changed: () => {},
        kept: () => {},
        rewound: () => {},
        warn: () => {},
      },
    );
    control.receive();
    await expect(control.after({})).rejects.toThrow("device lost");
  });
});

test("options have the value of a client in a step, and their own beside it", () => {
  const loop = new Loop();
  const optimizer = { paramGroups: [{ lr: 0.1 }, { lr: 0.2, eps: 1e-8 }], groupIndices: [0, 1] };
  const rates = () => optimizer.paramGroups.map(({ lr }) => lr);
  const step = () => {
    const putBack = loop.control.before(optimizer);
    const inForce = rates();
    putBack?.();
    loop.steps++;
    return inForce;
  };
  /** Controls that come while the loop is between two steps. */
  const ask = (...controls: LoopOrder[]) => {
    loop.inbox.push(...controls);
    loop.control.receive();
    loop.control.after(optimizer);
  };
  expect(step()).toEqual([0.1, 0.2]);
  ask({ type: "set", group: 1, name: "lr", value: 3 });
  // The first group has no ε, which changes nothing.
  ask({ type: "set", group: 0, name: "eps", value: 3 });
  expect(step()).toEqual([0.1, 3]);
  // A schedule goes on behind it.
  optimizer.paramGroups.forEach(group => {
    group.lr /= 2;
  });
  expect(rates()).toEqual([0.05, 0.1]);
  // One gesture: the second change follows at once.
  ask({ type: "set", group: 1, name: "lr", value: 4 });
  expect(step()).toEqual([0.05, 4]);
  expect(loop.changes).toEqual([{ step: 2, group: 1, name: "lr", from: 0.2, to: 4 }]);
  ask({ type: "set", group: 1, name: "lr" }, { type: "set", group: 0, name: "lr", value: 0 });
  expect(step()).toEqual([0, 0.1]);
  expect(loop.changes.slice(1)).toEqual([
    { step: 4, group: 0, name: "lr", from: 0.05, to: 0 },
    { step: 4, group: 1, name: "lr", from: 4, to: 0.1 },
  ]);
});

test("η is multiplied by a factor, betas and limits of gradients are set, and all of it is taken back", async () => {
  const loop = new Loop();
  const group = { lr: 0.1, betas: [0.9, 0.999], momentum: "no number", eps: 1e-8 };
  const optimizer = { paramGroups: [group], groupIndices: [0] };
  const step = () => {
    const maxNorm = loop.control.limit("maxNorm", 1);
    const putBack = loop.control.before(optimizer);
    const inForce = { ...group, maxNorm };
    putBack?.();
    loop.steps++;
    loop.control.after(optimizer);
    return inForce;
  };
  const set = (name: ChangeRecord["name"], value?: number) =>
    loop.inbox.push({ type: "set", group: 0, name, ...(value !== undefined && { value }) });
  const told = () => Object.fromEntries(loop.options.map(({ name, value }) => [name, value]));
  const own = { lr: 0.1, lrFactor: 1, beta1: 0.9, beta2: 0.999, eps: 1e-8, maxNorm: 1 };
  step();
  expect(told()).toEqual(own);
  const options = { lr: "0.1", betas: "[0.9,0.999]", eps: "1e-8" };
  expect(loop.groups).toMatchObject([{ group: 0, options }]);
  set("lrFactor", 0.5);
  set("beta1", 0.8);
  set("beta2", 0.99);
  set("maxNorm", 2);
  step();
  expect(told()).toEqual({ ...own, lr: 0.05, lrFactor: 0.5, beta1: 0.8, beta2: 0.99, maxNorm: 2 });
  group.lr = 0.2;
  expect(step()).toMatchObject({ lr: 0.1, betas: [0.8, 0.99], maxNorm: 2 });
  // They are the script's beside the step.
  expect(group.betas).toEqual([0.9, 0.999]);
  expect(loop.changes).toEqual([
    { step: 3, group: 0, name: "maxNorm", from: 1, to: 2 },
    { step: 3, group: 0, name: "lrFactor", from: 1, to: 0.5 },
    { step: 3, group: 0, name: "beta1", from: 0.9, to: 0.8 },
    { step: 3, group: 0, name: "beta2", from: 0.999, to: 0.99 },
  ]);
  // A value takes the place of the factor; held or not, what is told is that of the next step.
  set("lr", 3);
  loop.inbox.push({ type: "pause" });
  step();
  expect(told()).toMatchObject({ lr: 3, lrFactor: 1 });
  await loop.send({ type: "rewind", step: 2 });
  expect(told()).toEqual({ ...own, lr: 0.2 });
  expect(loop.options.find(({ name }) => name === "lr")?.own).toBe(0.2);
});

test("a run says where it can go back to, and what was taken back", () => {
  const changes = [30, 90].map(step => ({ step, group: 0, name: "lr" as const, from: 1, to: 2 }));
  const kept = [1, 20, 29, 60, 80];
  expect(undoTarget({ steps: 80, changes: changes.slice(0, 1), kept })).toBe(29);
  expect(stepBackTarget({ steps: 80, kept })).toBe(60);
  // At 80 it went back to 29: the change at 30 is not in force any more.
  const rewinds = [{ step: 80, to: 29 }];
  expect(undoTarget({ steps: 80, changes: changes.slice(0, 1), kept, rewinds })).toBeUndefined();
  expect(stepBackTarget({ steps: 80, kept, rewinds })).toBe(20);
  expect(undoTarget({ steps: 95, changes, kept, rewinds })).toBe(89);
  expect(stretchesTakenBack(rewinds, 95)).toEqual([{ first: 30, last: 80 }]);
  // And at 95 into what had been taken back.
  const twice = [...rewinds, { step: 95, to: 60 }];
  expect(stretchesInForce(twice, 99)).toEqual([
    { first: 1, last: 60 },
    { first: 96, last: 99 },
  ]);
  expect(stretchesTakenBack(twice, 99)).toEqual([{ first: 61, last: 95 }]);
  // Behind step 80 it is the state of 29 that is kept.
  expect(stretchesInForce([...rewinds, { step: 95, to: 80 }], 95)).toEqual([
    { first: 1, last: 29 },
  ]);
  expect(undoTarget({ steps: 40, changes, kept: [35] })).toBeUndefined();
});

test("says that it cannot go back so far, or at all", async () => {
  const loop = new Loop();
  loop.inbox.push({ type: "runTo", step: 3 });
  const running = loop.run(() => loop.steps > 3);
  await settled();
  loop.kept.delete(1);
  await loop.send({ type: "rewind", step: 2 });
  expect(loop.warnings).toEqual([
    "The state after step 2 is not kept any more, nor is one before it. The first that is kept is " +
      "that of 3.",
  ]);
  await loop.send({ type: "resume" });
  await running;
  const warnings: string[] = [];
  const none = {
    budget: 1,
    steps: [],
    take: () => false,
    rewind: () => undefined,
    clear: () => {},
  };
  const listener = {
    kept: () => {},
    rewound: () => {},
    warn: (text: string) => warnings.push(text),
  };
  const timeline = new Timeline(none, listener);
  timeline.passed(1);
  timeline.passed(2);
  expect(warnings).toEqual([expect.stringContaining("does not fit into the memory")]);
});

function once(control: LoopOrder): () => LoopOrder | undefined {
  const inbox = [control];
  return () => inbox.shift();
}

test.each([
  [" ", false, { type: "pause" }],
  ["p", true, { type: "resume" }],
  ["s", true, { type: "step", count: 1 }],
  ["\r", true, { type: "step", count: 1 }],
  ["d", true, { type: "step", count: 10 }],
  ["f", true, { type: "runToFinding" }],
  ["n", true, { type: "locateNonFinite" }],
  ["l", true, { type: "draw", view: "line" }],
  ["b", true, { type: "rewind", step: 5 }],
  ["u", true, { type: "rewind", step: 6 }],
  ["q", false, "stop"],
  ["\x03", true, "stop"],
  ["x", true, undefined],
])("the key %j of a terminal, paused: %j, means %j", (key, isPaused, expected) => {
  let done: Control | "stop" | undefined;
  const target: KeyTarget = {
    isPaused,
    run: {
      steps: 9,
      kept: [2, 5, 9],
      changes: [{ step: 7, group: 0, name: "lr", from: 1, to: 2 }],
    },
    control: control => {
      done = control;
    },
    say: () => {},
    stop: () => {
      done = "stop";
    },
  };
  pressKey(key, target);
  expect(done).toEqual(expected);
});

test.each([
  ["b", "There is no kept step to go back to."],
  ["u", "There is no change to take back."],
])("the key %j of a terminal says so where there is nothing to go back to", (key, text) => {
  const said: string[] = [];
  const never = () => expect.unreachable();
  const run = { steps: 9, kept: [9] };
  pressKey(key, {
    isPaused: false,
    run,
    control: never,
    say: line => said.push(line),
    stop: never,
  });
  expect(said).toEqual([text]);
});

test("a loop is held at the next finding that is raised, unless it is moved before", () => {
  const orders: LoopOrder[] = [];
  const warnings: string[] = [];
  let record = { runsToFinding: false, heldFor: "" };
  let nonFiniteAt: number | undefined;
  const watch = new FindingWatch({
    control: order => orders.push(order),
    nonFiniteAt: () => nonFiniteAt,
    warn: text => warnings.push(text),
    changed: watched => {
      record = watched;
    },
  });
  const raised = { ...exampleFinding(), state: "raised" as const };
  watch.findings([raised]);
  expect(orders).toEqual([]);
  watch.control({ type: "runToFinding" });
  expect(record).toEqual({ runsToFinding: true, heldFor: "" });
  watch.control({ type: "set", group: 0, name: "lr", value: 1 });
  watch.findings([{ ...raised, state: "cleared" }]);
  expect(record.runsToFinding).toBe(true);
  watch.findings([raised]);
  expect(record).toEqual({ runsToFinding: false, heldFor: raised.id });
  expect(orders.map(({ type }) => type)).toEqual(["resume", "set", "pause"]);
  // One is enough; and who goes back, or on, has done with it.
  watch.findings([raised]);
  expect(orders).toHaveLength(3);
  watch.control({ type: "rewind", step: 3 });
  expect(record.heldFor).toBe("");
  watch.control({ type: "runToFinding" });
  watch.control({ type: "pause" });
  watch.findings([raised]);
  expect(record).toEqual({ runsToFinding: false, heldFor: "" });
  expect(orders.map(({ type }) => type).slice(3)).toEqual(["rewind", "resume", "pause"]);
  watch.control({ type: "locateNonFinite" });
  expect(warnings).toEqual(["All that was measured is finite: there is nothing to look for."]);
  nonFiniteAt = 12;
  watch.control({ type: "locateNonFinite" });
  expect(orders.at(-1)).toEqual({ type: "locate", step: 12 });
  // Unasked once.
  watch.lost(12);
  watch.lost(40);
  expect(orders.slice(-2)).toEqual([
    { type: "locate", step: 12 },
    { type: "search", step: 12 },
  ]);
});
