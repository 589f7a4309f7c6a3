/** Learning rates that are tried from a held loop are what runs with them would be, and leave no trace. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { SnapshotRing } from "../../runtime/checkpoint/ring.ts";
import { takeSnapshot } from "../../runtime/checkpoint/snapshot.ts";
import { Checkpoints, log } from "../../runtime/index.ts";
import { setGate } from "../../runtime/insight/gate.ts";
import { deafObserver, observe } from "../../runtime/insight/observer.ts";
import * as recorder from "../../runtime/insight/recorder.ts";
import type { Branches } from "../../runtime/protocol/branch.ts";
import type { ChangeRecord, LoopOrder, OptionRecord } from "../../runtime/protocol/control.ts";
import { stepValue } from "../../runtime/protocol/steps.ts";
import { parseSidecarMessage } from "../../runtime/protocol/validate.ts";
import { LoopControl } from "../../runtime/sidecar/loopControl.ts";
import { type MakeOptimizer, OPTIMIZERS, training } from "./whole-loop.ts";

afterEach(() => {
  setGate(undefined);
  observe(undefined);
});

const SOME = Object.entries(OPTIMIZERS).filter(([name]) => ["SGD", "AdamW"].includes(name));

/** The loop that is made next, held behind its step `at`, and what its record has. */
async function held(make: MakeOptimizer, at: number, budget = 2 ** 26) {
  const start = recorder.stepCount();
  const inbox: LoopOrder[] = [{ type: "runTo", step: start + at }];
  const told: Branches[] = [];
  const recorded: { step: number; loss: number; travel: number }[] = [];
  const metrics: number[] = [];
  let changes: readonly ChangeRecord[] = [];
  let options: readonly OptionRecord[] = [];
  let arrived = Promise.withResolvers<void>();
  let heard = () => {};
  observe({
    ...deafObserver,
    steps: batch => {
      for (let row = 0; row < batch.count; row++) {
        const value = (name: "loss" | "travel") => stepValue(batch, row, name);
        const step = batch.firstStep + row - start;
        recorded.push({ step, loss: value("loss"), travel: value("travel") });
      }
    },
    metrics: all => metrics.push(...all.map(({ value }) => value)),
  });
  const trials = {
    snapshot: () => takeSnapshot(budget),
    begin: recorder.beginTrial,
    told: (branches: Branches) => {
      // What a client does not understand would end its connection.
      parseSidecarMessage({ type: "branches", branches });
      told.push(branches);
      heard();
    },
  };
  const loop = { ...recorder, snapshots: new SnapshotRing(2 ** 26), trials };
  const control = new LoopControl(loop, {
    take: () => inbox.shift(),
    held: isHeld => isHeld && arrived.resolve(),
    keepAlive: () => {},
    groups: () => {},
    planned: () => {},
    options: all => {
      options = all;
    },
    changed: all => {
      changes = all;
    },
    kept: () => {},
    rewound: () => expect.unreachable(),
    warn: text => {
      throw new Error(text);
    },
  });
  setGate(control);
  const { run, state } = training(make);
  /** Losses of the script's own steps, those in branches among them. */
  const seen: number[] = [];
  let last = Number.POSITIVE_INFINITY;
  let each = async (_step: number) => {};
  const running = (async () => {
    while (seen.length < last) {
      seen.push(...(await run(1)));
      await each(seen.length);
    }
  })();
  const arrive = async () => {
    await arrived.promise;
    arrived = Promise.withResolvers();
  };
  await arrive();
  const ask = (...controls: LoopOrder[]) => {
    inbox.push(...controls);
    control.receive();
  };
  return {
    ask,
    arrive,
    told,
    recorded,
    metrics,
    seen,
    state,
    changes: () => changes,
    options: () => options,
    steps: () => recorder.stepCount() - start,
    behindEach: (act: typeof each) => {
      each = act;
    },
    /** Resolves with what was told when they are over. */
    branch: (factors: readonly number[], steps: number): Promise<Branches> => {
      const { promise, resolve } = Promise.withResolvers<Branches>();
      heard = () => {
        const latest = told.at(-1);
        if (latest?.isOver) resolve(latest);
      };
      ask({ type: "branch", factors, steps });
      return promise;
    },
    /** Goes on for so many steps, and on to the end of the loop. */
    finish: async (count: number): Promise<number[]> => {
      // The step behind which it is held has not ended for the script.
      last = seen.length + 1 + count;
      ask({ type: "resume" });
      await running;
      await recorder.drain();
      return seen.slice(-count);
    },
  };
}

/** Losses of a run that has other options from behind step `at` on. */
async function changed(make: MakeOptimizer, at: number, factor: number, count: number) {
  const loop = await held(make, at);
  const group = loop.options()[0]?.group ?? 0;
  loop.ask({ type: "set", group, name: "lrFactor", value: factor });
  return loop.finish(count);
}

test.each(SOME)(
  "%s: the curves are those of runs of their own, and the run goes on, bit by bit, as without",
  async (_, make) => {
    const plain = await held(make, 1);
    const losses = [...(await plain.finish(25))];
    const end = await plain.state();

    const factors = [0.5, 1, 3];
    // Over the end of a pass of six batches.
    const own = [];
    for (const factor of factors) own.push(await changed(make, 9, factor, 8));

    const loop = await held(make, 9);
    const lr = loop.options().find(({ name }) => name === "lr")?.value ?? 0;
    const { branches, ...rest } = await loop.branch(factors, 8);
    expect(rest).toEqual({ step: recorder.stepCount(), steps: 8, count: 3, isOver: true });
    expect(branches.map(branch => branch.factor)).toEqual(factors);
    expect(branches.map(branch => [...branch.losses])).toEqual(own);
    branches.forEach((branch, i) => {
      // The schedule has taken its 2 % before the first of the steps.
      expect(branch.lr / lr / 0.98).toBeCloseTo(factors[i] ?? 0, 5);
    });
    expect([loop.steps(), loop.changes()]).toEqual([9, []]);

    expect(await loop.finish(17)).toEqual(losses.slice(8));
    expect(await loop.state()).toEqual(end);
    // Each step of the run stands in the record once, as if nothing had been.
    expect(loop.recorded.map(({ step }) => step)).toEqual(plain.recorded.map(({ step }) => step));
    expect(loop.recorded).toEqual(plain.recorded);
  },
);

test("a rate that is taken is a change of the run, and the run is that branch", async () => {
  const { AdamW } = OPTIMIZERS;
  const loop = await held(AdamW, 4);
  const { branches } = await loop.branch([1, 2], 6);
  const taken = branches[1];
  loop.ask(...(taken?.changes ?? []));
  expect(await loop.finish(6)).toEqual([...(taken?.losses ?? [])]);
  expect(loop.changes()).toMatchObject([{ name: "lrFactor", from: 1, to: 2 }]);
  // From there, what is tried is a factor of what is in force.
  const second = await held(AdamW, 4);
  const { group = 0 } = second.options()[0] ?? {};
  second.ask({ type: "set", group, name: "lr", value: 0.5 });
  const tried = await second.branch([0.5], 1);
  expect(tried.branches[0]).toMatchObject({
    lr: 0.25,
    changes: [{ type: "set", group, name: "lr", value: 0.25 }],
  });
  await second.finish(1);
  expect(second.changes()).toMatchObject([{ name: "lr", to: 0.5 }]);
});

test("one that explodes ends there, and the others are tried", async () => {
  const loop = await held(OPTIMIZERS.SGD, 3);
  const { branches, problem } = await loop.branch([1e30, 1], 12);
  expect(problem).toBeUndefined();
  const [exploded, own] = branches;
  expect(exploded?.losses.length).toBeLessThan(12);
  expect([...(exploded?.losses ?? [])].map(Number.isFinite).indexOf(false)).toBe(
    (exploded?.losses.length ?? 0) - 1,
  );
  expect(own?.losses.every(Number.isFinite)).toBe(true);
  await loop.finish(1);
});

test("they end when they are cancelled, and when the loop is moved, and leave no trace", async () => {
  const { AdamW } = OPTIMIZERS;
  const plain = await held(AdamW, 1);
  const losses = await plain.finish(20);

  const loop = await held(AdamW, 5);
  const cancelled = loop.branch([0.5, 2], 1000);
  loop.ask({ type: "stopBranching" });
  expect(await cancelled).toMatchObject({ isOver: true, problem: "Cancelled." });
  const moved = loop.branch([0.5, 2], 1000);
  // It is not lost: a step is taken when the loop is back.
  loop.ask({ type: "step", count: 1 });
  expect((await moved).problem).toBe("Cancelled.");
  await loop.arrive();
  expect(loop.steps()).toBe(6);
  expect(await loop.finish(14)).toEqual(losses.slice(5, 19));
  expect(loop.recorded.map(({ step }) => step)).toEqual(loop.recorded.map((_, i) => i + 1));
});

test("a running loop is held for it, and nothing of it is logged or saved", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stepscope-branches-"));
  const loop = await held(OPTIMIZERS.SGD, 2);
  const checkpoints = new Checkpoints({}, { folder, every: 1 });
  const files: boolean[] = [];
  loop.behindEach(async step => {
    log({ seen: step });
    const path = await checkpoints.save({ step });
    files.push(existsSync(path));
  });
  loop.ask({ type: "resume" });
  const { step, branches } = await loop.branch([2], 5);
  expect([loop.steps(), step]).toEqual([loop.steps(), recorder.stepCount()]);
  expect(branches[0]?.losses).toHaveLength(5);
  const at = loop.steps();
  await loop.finish(3);
  // Behind the step in which it is held the script is in the branch already; behind its last one it is out.
  expect(files.slice(at - 2).filter(exists => !exists)).toHaveLength(5);
  expect(loop.metrics).toHaveLength(files.filter(exists => exists).length);
  rmSync(folder, { recursive: true });
});

test("they are not tried where the state does not fit, and that is said", async () => {
  const loop = await held(OPTIMIZERS.SGD, 2, 16);
  expect((await loop.branch([2], 5)).problem).toContain("does not fit into the memory");
  expect(loop.steps()).toBe(2);
  await loop.finish(1);
});
