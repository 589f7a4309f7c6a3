/** A run in a client's hand: it is held between two steps, and goes on as it is told. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { undoTarget } from "../../runtime/protocol/rewind.ts";
import {
  LOOP,
  loopLoss,
  losses,
  type Spectator,
  sleep,
  TrainingProject,
} from "./training-project.ts";

let project: TrainingProject;
let run: Spectator;

beforeAll(async () => {
  project = new TrainingProject();
  project.write("a.ts", `${LOOP}await steps(1e6);`);
  run = await project.start("a.ts");
});

afterAll(() => project.end());

/** Held, and heard of every step until then: a record comes before the steps that are stored with it. */
const held = () => run.until(() => run.record.paused === true && run.steps === run.record.steps);

const measured = () =>
  run.messages.flatMap(message => (message.type === "elements" ? [message.elements] : []));

test("it is paused within a step, takes steps, runs to a step, goes on, and is stopped", async () => {
  await run.until(() => run.steps >= 20);
  const askedAt = performance.now();
  run.connection.control({ type: "pause" });
  await held();
  expect(performance.now() - askedAt).toBeLessThan(1000);
  const at = run.steps;
  const busy = processorTime(run.record.pid);
  await sleep(500);
  expect(run.steps).toBe(at);
  // A spinning event loop would have taken all of it.
  expect(processorTime(run.record.pid) - busy).toBeLessThan(150);

  run.connection.control({ type: "draw", view: "line" });
  const drawn = () => run.messages.findLast(message => message.type === "picture")?.picture;
  await run.until(() => drawn()?.line !== undefined || drawn()?.problem !== undefined);
  expect(drawn()?.problem).toBeUndefined();
  expect([drawn()?.step, drawn()?.line?.parameter]).toEqual([at, "parameter 0"]);

  // Asked for at once, and none is lost or doubled.
  for (let i = 0; i < 3; i++) run.connection.control({ type: "step", count: 1 });
  run.connection.control({ type: "step", count: 10 });
  await run.until(() => run.steps >= at + 13);
  await held();
  expect(run.steps).toBe(at + 13);
  // What the step behind which it is held did to each element.
  run.connection.control({ type: "measure", tensor: 0 });
  run.connection.control({ type: "measure", tensor: 7 });
  await run.until(() => measured().length === 2);
  const [own, other] = measured().toSorted((a, b) => a.tensor - b.tensor);
  expect(own).toMatchObject({ tensor: 0, step: at + 13, stepSizes: { length: 1 } });
  expect(own?.problem).toBeUndefined();
  // Of many steps it is too small for a float32.
  const size = 0.2 * Math.sqrt(loopLoss(at + 13));
  expect(Math.abs((own?.stepSizes[0] ?? 0) - size)).toBeLessThan(1e-4 * size + 1e-36);
  expect(other).toMatchObject({ tensor: 7, step: at + 13, stepSizes: { length: 0 } });
  expect(other?.problem).toMatch(/^No step of its optimizer/);
  run.connection.control({ type: "runTo", step: at + 50 });
  await run.until(() => run.steps >= at + 50);
  await held();
  expect(run.steps).toBe(at + 50);

  // Whoever comes now sees it held, with all its points.
  const second = await project.attach(run.record.id);
  expect([second.record.paused, second.steps]).toEqual([true, at + 50]);
  second.connection.detach();

  run.connection.control({ type: "resume" });
  await run.until(() => run.steps >= at + 100);
  run.connection.control({ type: "measure", tensor: 0 });
  await run.until(() => (measured()[2]?.step ?? 0) >= at + 100);
  expect(run.record.paused).toBe(false);
  run.connection.control({ type: "pause" });
  await held();
  const changed = run.steps + 1;
  run.connection.control({ type: "set", group: 0, name: "lr", value: 0.25 });
  run.connection.control({ type: "step", count: 1 });
  await run.until(() => run.steps === changed && run.record.changes !== undefined);
  expect(run.batches.at(-1)?.lr.at(-1)).toBe(0.25);
  await held();
  // Back to before the change, of which the steps that follow know nothing.
  expect(undoTarget(run.record)).toBe(changed - 1);
  run.connection.control({ type: "rewind", step: changed - 1 });
  run.connection.control({ type: "step", count: 3 });
  await run.until(() => run.steps === changed + 3);
  await held();
  expect(run.record.rewinds).toEqual([{ step: changed, to: changed - 1 }]);
  expect(run.record.kept).toContain(changed);
  run.connection.stop();
  await run.closed;
  const changes = [{ step: changed, group: 0, name: "lr", from: 0.1, to: 0.25 }];
  expect(run.end).toMatchObject({ status: "stopped", paused: false, changes });
  expect(run.end?.kept).toEqual([]);
  losses(run.batches).forEach((loss, i) => {
    expect(loss).toBeCloseTo(loopLoss(i < changed ? i + 1 : i), 5);
  });
  expect(run.stored().losses).toEqual(losses(run.batches));
});

test("a run that is to be taken step by step is held behind its first one", async () => {
  project.write("short.ts", `${LOOP}await steps(3);`);
  run = await project.start("short.ts", { runTo: 1 });
  await held();
  expect(run.steps).toBe(1);
  run.connection.control({ type: "resume" });
  await run.closed;
  expect([run.end?.status, run.steps]).toEqual(["completed", 3]);
});

test("a run goes on until the diagnosis finds something, and is held for that", async () => {
  project.write("diverges.ts", `${LOOP}await steps(1e6);`);
  run = await project.start("diverges.ts");
  run.connection.control({ type: "runTo", step: 3 });
  await held();
  run.connection.control({ type: "set", group: 0, name: "lr", value: 1e3 });
  run.connection.control({ type: "runToFinding" });
  await run.until(() => run.record.paused === true && run.steps > 3);
  const { heldFor, runsToFinding, findings } = run.record;
  expect(findings.find(({ id }) => id === heldFor)).toMatchObject({ code: "lr.diverging" });
  expect(runsToFinding).toBe(false);
  run.connection.stop();
  await run.closed;
});

test("a run that is held saves its checkpoint when it is stopped", async () => {
  project.write(
    "saves.ts",
    `${LOOP}
    import { Checkpoints } from "stepscope";
    const checkpoints = new Checkpoints({ optimizer });
    for (let step = 1; ; step++) {
      await steps(1);
      await checkpoints.saveIfDue({ step });
    }`,
  );
  run = await project.start("saves.ts", { runTo: 5 });
  await held();
  run.connection.stop();
  await run.closed;
  expect(run.end?.status).toBe("stopped");
  const files = readdirSync(join(run.connection.runFolder, "checkpoints"));
  expect(files).toContain("step-5.safetensors");
});

/** Milliseconds of processor time that a process has taken (Linux; none are seen elsewhere). */
function processorTime(pid: number): number {
  if (process.platform !== "linux") return 0;
  const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const [user, system] = fields.split(" ").slice(11, 13).map(Number);
  return ((user ?? 0) + (system ?? 0)) * 10;
}

test("learning rates are tried from where it is held, and a script that ends then says so", async () => {
  project.write(
    "short.ts",
    `${LOOP}await new Promise(resolve => setTimeout(resolve, 500));\nawait steps(30);\nconsole.log("done");`,
  );
  const short = await project.start("short.ts");
  const told = () => short.messages.findLast(message => message.type === "branches")?.branches;
  short.connection.control({ type: "runTo", step: 4 });
  await short.until(() => short.record.paused === true && short.steps === 4);
  short.connection.control({ type: "branch", factors: [0.5, 1, 5], steps: 3 });
  await short.until(() => told()?.isOver === true);
  const [half, same, five] = told()?.branches.map(({ losses }) => [...losses]) ?? [];
  const ratio = (losses: readonly number[] = []) => (losses[1] ?? 0) / (losses[0] ?? 1);
  expect(ratio(half)).toBeCloseTo(0.81, 5);
  // η = ½ goes to the bottom in one step.
  expect(ratio(five)).toBeCloseTo(0, 5);
  same?.forEach((loss, i) => {
    expect(loss).toBeCloseTo(loopLoss(5 + i), 5);
  });
  expect([short.steps, short.record.paused]).toEqual([4, true]);
  short.connection.control({ type: "branch", factors: [2], steps: 1000 });
  await short.closed;
  // 4 are the run's, and 9 were taken in the branches before.
  const problem =
    "The script left its loop behind step 17 of 1000 of a branch: no more were to come.";
  expect(told()?.problem).toContain(problem);
  expect(short.logs.map(({ text }) => text)).toEqual(["done", expect.stringContaining(problem)]);
  expect(short.end).toMatchObject({ status: "completed", steps: 4 });
  expect(losses(short.batches)).toHaveLength(4);
});
