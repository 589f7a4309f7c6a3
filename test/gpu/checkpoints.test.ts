/** Checkpoints on disk: a loop goes on in another process as if nothing had happened. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { prepareToStop } from "../../runtime/checkpoint/stopping.ts";
import {
  Checkpoints,
  getRngState,
  loadCheckpoint,
  manualSeed,
  nn,
  randn,
  safetensors,
  save,
  saveCheckpoint,
} from "../../runtime/index.ts";

const root = mkdtempSync(join(tmpdir(), "stepscope-checkpoints-"));
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => {
  delete process.env.STEPSCOPE_RESUME;
});
const folderOf = (name: string) => join(root, name);

/** Something with a state that is easy to tell. */
class Counter {
  count = 0;
  stateDict() {
    return { count: this.count };
  }
  loadStateDict({ count }: { count: number }) {
    this.count = count;
  }
}

test("keeps the latest ones, and the best", async () => {
  const counter = new Counter();
  const folder = folderOf("kept");
  const checkpoints = new Checkpoints({ counter }, { folder, keepLast: 2, keepBest: "min" });
  const metrics = [5, 3, Number.NaN, 4, 3, 6];
  for (const [step, metric] of metrics.entries()) {
    counter.count = 10 * step;
    await checkpoints.save({ step, metric });
  }
  expect(readdirSync(folder).sort()).toEqual([1, 4, 5].map(step => `step-${step}.safetensors`));

  // Another process takes over what it finds, and what was left unfinished goes.
  process.env.STEPSCOPE_RESUME = folder;
  writeFileSync(join(folder, ".step-6.safetensors.0123abcd.tmp"), "half");
  const resumed = new Counter();
  const later = new Checkpoints(
    { resumed: undefined, counter: resumed },
    { folder, keepBest: "min" },
  );
  expect(await later.resume()).toEqual({ step: 5, metric: 6 });
  expect(resumed.count).toBe(50);
  await later.save({ step: 6, metric: 9 });
  expect(readdirSync(folder).sort()).toEqual(["step-1.safetensors", "step-6.safetensors"]);
});

test("saves every so many steps, and at once when the run is to stop", async () => {
  const folder = folderOf("due");
  const checkpoints = new Checkpoints(
    { counter: new Counter() },
    { folder, every: 3, keepLast: 9 },
  );
  const saved: number[] = [];
  let stopping: Promise<void> | undefined;
  for (let step = 1; step <= 8; step++) {
    if (await checkpoints.saveIfDue({ step })) saved.push(step);
    if (step === 7) stopping = prepareToStop();
  }
  expect(saved).toEqual([3, 6, 8]);
  await stopping;
});

test("a checkpoint is a file that Python reads, with anything that the script adds", async () => {
  const path = join(root, "one.safetensors");
  manualSeed(3);
  randn(2);
  const random = getRngState();
  const model = new nn.Linear(2, 1);
  const position = { step: 7, metric: -1, extra: { names: ["a"], best: Number.POSITIVE_INFINITY } };
  const drawn = getRngState();
  await saveCheckpoint(path, { model }, position);
  expect(Object.keys(await safetensors.loadFile(path)).sort()).toEqual([
    "model.bias",
    "model.weight",
  ]);
  manualSeed(0);
  expect(await loadCheckpoint(path, { model })).toEqual(position);
  expect(getRngState()).toEqual(drawn);
  expect(drawn).not.toEqual(random);
});

test("says what is wrong with a checkpoint, a folder or an option", async () => {
  const folder = folderOf("wrong");
  const parts = { counter: new Counter() };
  expect(await new Checkpoints(parts, { folder }).resume()).toBeUndefined();
  expect(existsSync(folder)).toBe(false);
  expect(() => new Checkpoints(parts, { keepLast: 0 })).toThrow(
    "keepLast should be a positive integer, got 0",
  );
  expect(() => new Checkpoints(parts, { every: 0.5 })).toThrow(
    "every should be a positive integer, got 0.5",
  );
  expect(() => new Checkpoints(parts, { keepBest: "most" as never })).toThrow(
    'keepBest should be "min" or "max", got most',
  );
  const best = new Checkpoints(parts, { folder, keepBest: "max" });
  await expect(best.save({ step: 1 })).rejects.toThrow("keepBest needs a number as metric");
  await expect(best.save({ step: 0.5, metric: 1 })).rejects.toThrow(
    "step should be a whole number",
  );
  process.env.STEPSCOPE_RESUME = root;
  const empty = join(root, "empty");
  const path = await new Checkpoints(parts, { folder: empty }).save({ step: 1 });
  await expect(loadCheckpoint(path, { model: new Counter() })).rejects.toThrow(
    `${path} has no state of "model"; it has counter`,
  );
  await save({ counter: 1 }, path);
  await expect(loadCheckpoint(path, parts)).rejects.toThrow(`${path} is not a checkpoint`);
  await expect(saveCheckpoint(path, { checkpoint: new Counter() }, { step: 1 })).rejects.toThrow(
    'cannot have the name "checkpoint"',
  );
  rmSync(path);
  process.env.STEPSCOPE_RESUME = empty;
  await expect(best.resume()).rejects.toThrow(`There is no checkpoint in ${empty}`);
});
