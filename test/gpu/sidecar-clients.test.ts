/** Clients of a run: who is let in, who hears what, and what happens when they go. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { constants, getPriority } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectTo } from "../../runtime/client/connection.ts";
import { encodeFrame } from "../../runtime/protocol/frame.ts";
import { PROTOCOL_VERSION } from "../../runtime/protocol/messages.ts";
import { livingSidecars, type Registration } from "../../runtime/store/registry.ts";
import { LOOP, losses, type Spectator, sleep, TrainingProject } from "./training-project.ts";

let project: TrainingProject;

beforeEach(() => {
  project = new TrainingProject();
  project.write("a.ts", `${LOOP}console.log("begin"); await steps(1e6);`);
});

afterEach(() => project.end());

async function stop(run: Spectator): Promise<void> {
  run.connection.stop();
  await run.closed;
  expect(run.end?.status).toBe("stopped");
}

function theSidecar(): Registration {
  const [sidecar] = livingSidecars();
  if (!sidecar) throw new Error("no sidecar lives");
  return sidecar;
}

test("a wrong token is refused, and the run goes on", async () => {
  const run = await project.start("a.ts");
  const address = theSidecar();
  for (const token of ["", "0".repeat(64), `${address.token}0`]) {
    await expect(connectTo({ ...address, token }, () => {})).rejects.toThrow("The token is wrong.");
  }
  const before = run.steps;
  await run.until(() => run.steps > before);
  await stop(run);
});

test.each([
  [
    "another version",
    encodeFrame({ type: "hello", version: 0, token: "TOKEN" }),
    `version ${PROTOCOL_VERSION} of the protocol, not 0`,
  ],
  ["no hello", encodeFrame({ type: "stop" }), "Say hello first."],
  ["another message", encodeFrame({ type: "welcome" }), "expected hello | stop | control | ease"],
  ["a frame too long", Buffer.from([255, 255, 255, 255]), "over the limit"],
  ["no frame at all", Buffer.from("GET / HTTP/1.1\r\n\r\n"), "over the limit"],
])("a stranger that sends %s is shown out, and the run goes on", async (_, frame, reason) => {
  const run = await project.start("a.ts");
  const { socket, token } = theSidecar();
  const bytes = frame.toString("latin1").includes("TOKEN")
    ? encodeFrame({ type: "hello", version: 0, token })
    : frame;
  const stranger = connect(socket);
  stranger.write(bytes);
  const answer: Buffer[] = [];
  for await (const chunk of stranger) answer.push(chunk);
  expect(Buffer.concat(answer).toString()).toContain(reason);
  const before = run.steps;
  await run.until(() => run.steps > before);
  await stop(run);
});

test("a loop lets other processes go first, the recorder of its steps does not", async () => {
  const run = await project.start("a.ts");
  const { pid } = theSidecar().process;
  expect(getPriority(pid)).toBe(constants.priority.PRIORITY_BELOW_NORMAL);
  if (process.platform === "linux") {
    const threads = readdirSync(`/proc/${pid}/task`).map(Number);
    expect(threads.map(thread => getPriority(thread))).toContain(getPriority());
  }
  await stop(run);
});

// Absent from a kernel that shares the processor among processes alone.
test.skipIf(!existsSync("/proc/self/autogroup"))(
  "the session of a run takes what others leave as long as a client says so",
  async () => {
    const run = await project.start("a.ts");
    await sessionHas("nice 10");
    run.connection.ease(true);
    await sessionHas("nice 19");
    const other = await project.attach(run.record.id);
    other.connection.ease(true);
    run.connection.ease(false);
    const before = run.steps;
    await run.until(() => run.steps > before + 5);
    await sessionHas("nice 19");
    other.connection.detach();
    await sessionHas("nice 10");
    await stop(run);
  },
);

/** Waits until the session of the run has a priority. */
async function sessionHas(nice: string): Promise<void> {
  const autogroup = `/proc/${theSidecar().process.pid}/autogroup`;
  await expect.poll(() => readFileSync(autogroup, "utf8").trim()).toMatch(new RegExp(` ${nice}$`));
}

test("a second client hears what the first one hears, and reads the rest from the store", async () => {
  const first = await project.start("a.ts");
  await first.until(() => first.steps >= 10 && first.logs.length > 0);
  const second = await project.attach(first.record.id);
  const [welcome] = second.messages;
  if (welcome?.type !== "welcome") throw new Error("not welcome");
  expect(welcome.logs).toBe(1);
  expect(welcome.run.steps).toBeGreaterThanOrEqual(10);
  await second.until(() => second.steps >= welcome.run.steps + 20);
  await stop(second);
  await first.closed;
  const live = second.messages.find(message => message.type === "steps");
  expect(live?.batch.firstStep).toBe(welcome.run.steps + 1);
  expect(losses(second.batches)).toEqual(losses(first.batches));
  expect(first.stored().losses).toEqual(losses(first.batches));
  expect(first.end).toEqual(second.end);
});

test("a client that comes back in time finds its run", async () => {
  const first = await project.start("a.ts", { graceMs: 60_000 });
  await first.until(() => first.steps >= 5);
  first.connection.detach();
  await sleep(300);
  const again = await project.attach(first.connection.runFolder);
  expect(again.record.pid).toBe(first.record.pid);
  await again.until(() => again.steps > first.steps + 5);
  await stop(again);
});

test("a run that nobody watches stops after its grace time, with its points", async () => {
  const run = await project.start("a.ts", { graceMs: 300 });
  await run.until(() => run.steps >= 10);
  run.connection.detach();
  while (livingSidecars().length > 0) await sleep(20);
  const { record, losses } = run.stored();
  expect(record.status).toBe("stopped");
  expect(losses).toHaveLength(record.steps);
  expect(record.steps).toBeGreaterThan(run.steps);
});

test("training goes on when recording fails, and one log says so", async () => {
  const run = await project.start("a.ts");
  await run.until(() => run.steps >= 10);
  // As a full disk would: no transaction can begin any more.
  const lock = new DatabaseSync(`${run.connection.runFolder}/run.sqlite`);
  lock.exec("BEGIN IMMEDIATE");
  const failed = () => run.logs.filter(log => log.text.startsWith("Recording stopped"));
  await run.until(() => failed().length > 0);
  const stoppedAt = run.steps;
  lock.exec("ROLLBACK");
  lock.close();
  await run.until(() => run.steps >= stoppedAt + 50);
  await stop(run);
  expect(failed()).toHaveLength(1);
  expect(failed()[0]).toMatchObject({ level: "error" });
  const kept = Number(/after step (\d+):/.exec(failed()[0]?.text ?? "")?.[1]);
  expect(kept).toBeGreaterThanOrEqual(10);
  expect(run.stored().losses).toEqual(losses(run.batches).slice(0, kept));
  // How it ended is known all the same, as there was room again.
  expect(run.stored().record).toEqual(run.end);
});
