/** Pause, step and resume against a model of a loop. */
import { describe, expect, test } from "vitest";
import { type KeyTarget, pressKey } from "../../runtime/cli/keys.ts";
import type { ChangeRecord, Control } from "../../runtime/protocol/control.ts";
import { LoopControl } from "../../runtime/sidecar/loopControl.ts";
import { randomNumbers } from "./random.ts";

/** A loop of empty steps, and what its clients are told. */
class Loop {
  steps = 0;
  resumed = 0;
  readonly inbox: Control[] = [];
  readonly told: boolean[] = [];
  changes: readonly ChangeRecord[] = [];
  readonly control = new LoopControl(
    {
      stepCount: () => this.steps,
      drain: async () => {},
      loopResumed: () => this.resumed++,
    },
    {
      take: () => this.inbox.shift(),
      held: isHeld => this.told.push(isHeld),
      changed: changes => {
        this.changes = changes;
      },
    },
  );

  async run(until: () => boolean): Promise<void> {
    while (!until()) {
      this.steps++;
      await (this.control.after() ?? Promise.resolve());
    }
  }

  async send(...controls: Control[]): Promise<void> {
    this.inbox.push(...controls);
    this.control.receive();
    await settled();
  }
}

/** Lets everything happen that is ready to. */
const settled = () => new Promise(resolve => setImmediate(resolve));

describe("a loop under control", () => {
  test("is held where it should be, after any 1,000 sequences of controls", async () => {
    const pick = randomNumbers(6);
    for (let sequence = 0; sequence < 1000; sequence++) {
      const loop = new Loop();
      let isOver = false;
      // Held from its first step on, so that every control finds it at rest.
      loop.inbox.push({ type: "pause" });
      const running = loop.run(() => isOver);
      let expected = 1;
      for (let i = 0; i < 6; i++) {
        const burst: Control[] = [];
        for (let n = 0; n <= pick() * 3; n++) {
          const count = 1 + Math.floor(pick() * 5);
          const kind = Math.floor(pick() * 3);
          if (kind === 0) {
            burst.push({ type: "step", count });
            expected += count;
          } else if (kind === 1) burst.push({ type: "pause" });
          else if (n === 0) {
            burst.push({ type: "runTo", step: expected + count });
            expected += count;
          }
          if (kind === 1) expected = loop.steps;
        }
        await loop.send(...burst);
        expect([sequence, loop.steps]).toEqual([sequence, expected]);
      }
      isOver = true;
      await loop.send({ type: "resume" });
      await running;
      expect(loop.steps).toBe(expected);
      expect(loop.told.at(-1)).toBe(false);
    }
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
      },
      { take: once({ type: "pause" }), held: () => {}, changed: () => {} },
    );
    await expect(control.after()).rejects.toThrow("device lost");
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
  expect(step()).toEqual([0.1, 0.2]);
  loop.inbox.push({ type: "set", group: 1, name: "lr", value: 3 });
  // The first group has no ε, which changes nothing.
  loop.inbox.push({ type: "set", group: 0, name: "eps", value: 3 });
  expect(step()).toEqual([0.1, 3]);
  // A schedule goes on behind it.
  optimizer.paramGroups.forEach(group => {
    group.lr /= 2;
  });
  expect(rates()).toEqual([0.05, 0.1]);
  // One gesture: the second change follows at once.
  loop.inbox.push({ type: "set", group: 1, name: "lr", value: 4 });
  expect(step()).toEqual([0.05, 4]);
  expect(loop.changes).toEqual([{ step: 2, group: 1, name: "lr", from: 0.2, to: 4 }]);
  loop.inbox.push(
    { type: "set", group: 1, name: "lr" },
    { type: "set", group: 0, name: "lr", value: 0 },
  );
  expect(step()).toEqual([0, 0.1]);
  expect(loop.changes.slice(1)).toEqual([
    { step: 4, group: 0, name: "lr", from: 0.05, to: 0 },
    { step: 4, group: 1, name: "lr", from: 4, to: 0.1 },
  ]);
});

function once(control: Control): () => Control | undefined {
  const inbox = [control];
  return () => inbox.shift();
}

test.each([
  [" ", false, { type: "pause" }],
  ["p", true, { type: "resume" }],
  ["s", true, { type: "step", count: 1 }],
  ["\r", true, { type: "step", count: 1 }],
  ["d", true, { type: "step", count: 10 }],
  ["q", false, "stop"],
  ["\x03", true, "stop"],
  ["x", true, undefined],
])("the key %j of a terminal, paused: %j, means %j", (key, isPaused, expected) => {
  let done: Control | "stop" | undefined;
  const target: KeyTarget = {
    isPaused,
    control: control => {
      done = control;
    },
    stop: () => {
      done = "stop";
    },
  };
  pressKey(key, target);
  expect(done).toEqual(expected);
});
