/** Who trains next, where not all can at once. */
import { expect, test } from "vitest";
import { TrainingQueue } from "../../extension/runs/trainingQueue.ts";

/** A queue in which these wait, and what became of their turns. */
function queueOf(...scripts: string[]) {
  const queue = new TrainingQueue();
  const turns: [string, boolean][] = [];
  const join = (script: string, isNext = false) =>
    void queue.join(script, isNext).then(isTurn => turns.push([script, isTurn]));
  for (const script of scripts) join(script);
  return { queue, turns, join };
}

/** Lets promises settle. */
const settled = () => new Promise(resolve => setImmediate(resolve));

test("scripts get their turn in the order in which they came, as many as there are places", async () => {
  const { queue, turns } = queueOf("a", "b", "c");
  for (const places of [0, -1]) expect(queue.admit(places)).toEqual([]);
  expect(queue.admit(2)).toEqual(["a", "b"]);
  expect(queue.scripts).toEqual(["c"]);
  await settled();
  expect(turns).toEqual([
    ["a", true],
    ["b", true],
  ]);
  expect(queue.admit(5)).toEqual(["c"]);
  expect(queue.admit(5)).toEqual([]);
});

test("one that is cancelled hears so, and the others move up", async () => {
  const { queue, turns } = queueOf("a", "b");
  queue.cancel("a");
  queue.cancel("unknown");
  await settled();
  expect(turns).toEqual([["a", false]]);
  expect(queue.admit(1)).toEqual(["b"]);
});

test("one that trains again comes before those that wait", async () => {
  const { queue, turns, join } = queueOf("a", "b");
  join("again", true);
  expect(queue.scripts).toEqual(["again", "a", "b"]);
  expect(queue.admit(2)).toEqual(["again", "a"]);
  await settled();
  expect(turns.map(([script]) => script)).toEqual(["again", "a"]);
});
