/** Several processes train one model, as one would that accumulates their micro-batches. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parallel } from "../../runtime/index.ts";
import { follow } from "./command.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stepscope-group-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const ENGINE = JSON.stringify(new URL("../../runtime/index.ts", import.meta.url).href);

/** A network, three micro-batches a step, clipping and a schedule; prints all weights at the end. */
const SCRIPT = `
  import { data, manualSeed, nn, optim, parallel, randn } from ${ENGINE};
  const MICRO_BATCHES = 3;
  const workers = await parallel.join();
  manualSeed(2);
  const dataset = new data.TensorDataset(randn(45, 5).keep(), randn(45, 2).keep());
  const loader = new data.DataLoader(dataset, { batchSize: 3, shuffle: true });
  const model = new nn.Sequential(
    new nn.Linear(5, 16), new nn.LayerNorm(16), new nn.GELU(), new nn.Linear(16, 2),
  );
  const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 });
  const scheduler = new optim.lrScheduler.ExponentialLR(optimizer, { gamma: 0.9 });
  for (let epoch = 0; epoch < 4; epoch++) {
    let i = 0;
    for await (const [x, y] of loader) {
      if (i % workers.size === workers.rank) {
        nn.functional.mseLoss(model.forward(x), y).div(MICRO_BATCHES).backward();
      }
      if (++i % MICRO_BATCHES > 0) continue;
      await workers.sumGradients(optimizer);
      nn.utils.clipGradNorm(model.parameters(), 0.5);
      await optimizer.step();
      optimizer.zeroGrad();
      scheduler.step();
    }
  }
  const values = await Promise.all(Object.values(model.stateDict()).map(value => value.data()));
  console.log(values.map(each => Buffer.from(each.buffer).toString("hex")).join(" "));
  workers.close();`;

/** Starts a script as each worker of a group. */
function start(name: string, size: number, script: string, ranks = [...Array(size).keys()]) {
  return ranks.map(rank =>
    follow(folder, process.execPath, ["--input-type=module-typescript", "--eval", script], {
      STEPSCOPE_RANK: String(rank),
      STEPSCOPE_SIZE: String(size),
      STEPSCOPE_GROUP: join(folder, name),
    }),
  );
}

test("three workers have the bits of one with three micro-batches", async () => {
  const [alone] = await Promise.all(start("one", 1, SCRIPT).map(({ ended }) => ended));
  const workers = await Promise.all(start("three", 3, SCRIPT).map(({ ended }) => ended));
  expect(alone?.stderr).toBe("");
  expect(alone?.stdout).toMatch(/^[0-9a-f]{320}/);
  for (const { stdout, stderr, code } of workers) {
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toBe(alone?.stdout);
  }
}, 60_000);

const STEP = (size: string) => `
  import { nn, optim, parallel, zeros } from ${ENGINE};
  const workers = await parallel.join();
  const parameter = new nn.Parameter(zeros(${size}));
  const optimizer = new optim.SGD([parameter]);
  parameter.sum().backward();`;

test("a worker that has gone, or trains something else, is told", async () => {
  const gone = start(
    "gone",
    2,
    `${STEP("2")} if (workers.rank === 0) await workers.sumGradients(optimizer);`,
  );
  const [first] = await Promise.all(gone.map(({ ended }) => ended));
  expect(first?.stderr).toContain("Error: Worker 1 has left the group.");
  const other = start(
    "other",
    2,
    `${STEP("2 + workers.rank")} await workers.sumGradients(optimizer);`,
  );
  const [hub, second] = await Promise.all(other.map(({ ended }) => ended));
  expect(hub?.stderr).toContain(
    "Worker 1 has gradients of 3 numbers, and worker 0 of 2: all have to train the same parameters.",
  );
  expect(second?.stderr).toContain("Worker 0 has left the group.");
}, 60_000);

test("what makes no group is refused", async () => {
  const file = join(folder, "notes.txt");
  writeFileSync(file, "mine");
  await expect(parallel.join({ size: 2, rank: 0, path: file })).rejects.toThrow("EADDRINUSE");
  expect(readFileSync(file, "utf8")).toBe("mine");
  await expect(parallel.join({ size: 0 })).rejects.toThrow(
    "size should be a whole number of at least 1",
  );
  await expect(parallel.join({ size: 2, rank: 2, path: "a" })).rejects.toThrow(
    "rank should be a whole number from 0 to 1, got 2",
  );
  await expect(parallel.join({ size: 2, rank: 1 })).rejects.toThrow("need a path to meet at");
  expect(await parallel.join()).toMatchObject({ rank: 0, size: 1 });
});
