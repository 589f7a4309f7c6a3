/** Runs that wait for one another, and a run whose connection is lost, in a real VS Code. */
import * as assert from "node:assert/strict";
import * as vscode from "vscode";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { ENDLESS, isAlive, lensTitled, project } from "./project.ts";
import { test, until } from "./suite.ts";

/** A client that takes nothing for five seconds is let go. */
const STALLED_MS = 8000;

test("a second file waits for the first, and starts when that crashes", async () => {
  for (const name of ["first.ts", "second.ts", "third.ts"]) project.put(name, ENDLESS);
  await train("first.ts");
  const first = await stepping("first.ts");
  void train("second.ts");
  void train("third.ts");
  await project.show("third.ts");
  assert.deepEqual(await lensTitled(project.uri("third.ts"), "queued, after 2 runs"), [
    "✕ Cancel",
    "queued, after 2 runs",
  ]);

  // Once more changes nothing, and a run that trains again keeps its place.
  await train("second.ts");
  await vscode.commands.executeCommand("stepscope.trainAgain", project.uri("first.ts"));
  const again = await stepping("first.ts");
  assert.ok(!isAlive(first.pid));
  assert.deepEqual([...project.runs("second.ts"), ...project.runs("third.ts")], []);

  process.kill(again.pid, "SIGKILL");
  const second = await stepping("second.ts");
  await vscode.commands.executeCommand("stepscope.stop", project.uri("third.ts"));
  await stop(second);
  assert.deepEqual(await lensTitled(project.uri("third.ts"), "▶ Train"), [
    "▶ Train",
    "Debug",
    "Find learning rate",
  ]);
  assert.deepEqual(project.runs("third.ts"), []);
});

test("as many files train at once as the setting says", async () => {
  const settings = vscode.workspace.getConfiguration("stepscope");
  await train("first.ts");
  const first = await stepping("first.ts");
  void train("second.ts");
  await settings.update("runs.atOnce", 2, vscode.ConfigurationTarget.Global);
  try {
    const second = await stepping("second.ts");
    assert.ok(isAlive(first.pid));
    await stop(second);
    await stop(first);
  } finally {
    await settings.update("runs.atOnce", undefined, vscode.ConfigurationTarget.Global);
  }
});

test("a run whose connection is lost is found again", async () => {
  const loud = ENDLESS.replace("await new", 'console.log("x".repeat(1e4));\n  $&');
  project.put("loud.ts", loud);
  await train("loud.ts");
  const { pid, steps } = await stepping("loud.ts");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALLED_MS);
  await until("more steps", () => newest("loud.ts", run => run.steps > steps + 50));
  const run = newest("loud.ts");
  assert.ok(run);
  assert.equal(run.pid, pid);
  // By the window, which follows it again.
  await stop(run);
});

/** Settles when the run has begun, or will not. */
function train(name: string): Thenable<void> {
  return vscode.commands.executeCommand("stepscope.train", project.uri(name));
}

function newest(name: string, is = (_: RunRecord) => true): RunRecord | undefined {
  return project.runs(name).slice(0, 1).find(is);
}

/** The run of a script, once it has taken steps. */
function stepping(name: string): Promise<RunRecord> {
  return until(`steps of ${name}`, () =>
    newest(name, ({ status, steps }) => status === "running" && steps > 5),
  );
}

async function stop({ script, pid }: RunRecord): Promise<void> {
  await vscode.commands.executeCommand("stepscope.stop", vscode.Uri.file(script));
  await until("the end of the process", () => !isAlive(pid));
}
