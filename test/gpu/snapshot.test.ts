/** Going back to a snapshot: what follows is the same, bit by bit. */
import { expect, test } from "vitest";
import { SnapshotRing } from "../../runtime/checkpoint/ring.ts";
import { takeSnapshot } from "../../runtime/checkpoint/snapshot.ts";
import { counters } from "../../runtime/gpu/device.ts";
import { randomNumbers } from "../unit/random.ts";
import { OPTIMIZERS, training } from "./whole-loop.ts";

test.each(Object.entries(OPTIMIZERS))("%s goes on as it did, from any step", async (_, make) => {
  const { run, state } = training(make);
  await run(2);
  const ring = new SnapshotRing(2 ** 30);
  const losses: number[] = [];
  for (let step = 0; step < 20; step++) {
    ring.take(step);
    losses.push(...(await run(1)));
  }
  const end = await state();
  const random = randomNumbers(3);
  for (let i = 0; i < 13; i++) {
    const step = Math.floor(random() * 20);
    expect(ring.rewind(step)).toBe(step);
    // Some go on only for a while before they are sent back again.
    const count = i % 4 === 3 ? 20 - step : Math.min(3, 20 - step);
    expect(await run(count)).toEqual(losses.slice(step, step + count));
    if (step + count === 20) expect(await state()).toEqual(end);
  }
  ring.clear();
});

test("learning rates that were changed by hand are taken back", async () => {
  const { run, optimizer } = training(OPTIMIZERS.AdamW);
  await run(3);
  const snapshot = takeSnapshot();
  const losses = await run(3);
  snapshot.restore();
  for (const group of optimizer.paramGroups) group.lr = 10;
  expect(await run(3)).not.toEqual(losses);
  snapshot.restore();
  expect(await run(3)).toEqual(losses);
  snapshot.free();
});

test("taking one computes nothing and reads nothing back", async () => {
  const { run } = training(OPTIMIZERS.Adam);
  await run(3);
  const { dispatches } = counters;
  const snapshots = [1, 2, 3].map(() => takeSnapshot());
  expect(counters.dispatches).toBe(dispatches);
  for (const snapshot of snapshots) snapshot.free();
});

test("a ring keeps to its budget; the further back, the fewer", async () => {
  const { run } = training(OPTIMIZERS.SGD);
  await run(2);
  const one = takeSnapshot();
  const ring = new SnapshotRing(8 * one.bytes);
  one.free();
  for (let step = 1; step <= 200; step++) ring.take(step);
  expect(ring.bytes).toBeLessThanOrEqual(8 * one.bytes);
  const { steps } = ring;
  expect(steps).toHaveLength(8);
  expect(steps[0]).toBe(1);
  expect(steps.slice(-2)).toEqual([199, 200]);
  const gaps = steps.slice(1).map((step, i) => step - (steps[i] ?? 0));
  expect(gaps.slice(1).every((gap, i) => gap <= 2 * (gaps[i] ?? 0))).toBe(true);
  expect(ring.rewind(198)).toBeLessThanOrEqual(198);
  expect(ring.rewind(0)).toBeUndefined();
  ring.clear();
  expect(ring.bytes).toBe(0);
});
