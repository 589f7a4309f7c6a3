/** A training under VS Code's JavaScript debugger, seen through the debug adapter protocol. */
import * as assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as vscode from "vscode";
import { DebugHover } from "../../extension/code/debugHover.ts";
import { extension, isAlive, lensTitled, project } from "./project.ts";
import { test, until } from "./suite.ts";

/** What the debug adapter tells of a frame, as far as it is looked at here. */
interface Frame {
  readonly id: number;
  readonly line: number;
  readonly source?: { readonly path?: string };
}

/** The same of the variables of a block. */
interface Scope {
  readonly name: string;
  readonly variablesReference: number;
}

/** The same of a variable. */
interface Variable {
  readonly name: string;
  readonly value: string;
}

const NAME = "debugged.ts";
const uri = project.uri(NAME);

/** The digits example with one epoch: 45 steps. */
const DIGITS = readFileSync(join(extension.extensionPath, "examples/digits.ts"), "utf8").replace(
  "epoch <= 30",
  "epoch <= 1",
);

/** The session of the thread that runs the script, and how often it has stopped. */
let session: vscode.DebugSession | undefined;
let stops = 0;

/**
 * The sessions that go on, by their ids. VS Code's active session does not tell: its focus may stay at
 * one that ended while it was being shown.
 */
const sessions = new Set<string>();
vscode.debug.onDidStartDebugSession(({ id }) => sessions.add(id));
vscode.debug.onDidTerminateDebugSession(({ id }) => sessions.delete(id));

/** Asks the debugger of that thread. */
async function ask<T>(command: string, parameters: object): Promise<T> {
  assert.ok(session, "nothing has stopped yet");
  return session.customRequest(command, parameters);
}

test("a breakpoint stops a training file at its line, with its variables", async () => {
  const { document } = await project.write(NAME, DIGITS);
  await vscode.commands.executeCommand("stepscope.train", uri);
  await until("a run without a debugger", () => project.runs(NAME)[0]?.status === "completed");
  await lensTitled(uri, "▶ Train");
  vscode.debug.registerDebugAdapterTrackerFactory("pwa-node", {
    createDebugAdapterTracker: from => ({
      onDidSendMessage: ({ type, event }) => {
        if (type !== "event" || event !== "stopped") return;
        session = from;
        stops++;
      },
    }),
  });
  const line = lineOf(document, "loss.backward()");
  const location = new vscode.Location(uri, new vscode.Position(line - 1, 0));
  vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(location)]);
  await debugUntilItStops();
  assert.deepEqual(await place(), { file: uri.fsPath, line });
  const variables = await localVariables();
  assert.match(variables.get("images") ?? "", /^Tensor \[32, 64\] float32/);
  assert.match(variables.get("digits") ?? "", /^Tensor \[32\] int32/);
  assert.match(variables.get("loss") ?? "", /^Tensor \[\] float32/);
  assert.equal(variables.get("epoch"), "1");
  // The panel follows it as it does any run.
  await lensTitled(uri, "■ Stop");
});

test("a hover shows the elements of a tensor, also of one that is not computed yet", async () => {
  const loss = /^Tensor \[\] float32 ([\d.]+)$/.exec(await hover("loss.backward()", 1));
  // Ten classes, and a network that has learned nothing yet.
  assert.ok(Math.abs(Number(loss?.[1]) - Math.log(10)) < 1, loss?.[0]);
  assert.match(await hover("model.forward(images)", 1), /^Sequential/);
  const images = /^Tensor \[32, 64\] float32 mean .*, std .*, min -1, max 1 \[-1, (.*), …\]$/;
  assert.match(await hover("images), digits", 1), images);
  // What was looked at is also in the list of variables.
  assert.equal((await localVariables()).get("loss"), loss?.[0]);
});

test("a step over the await of optimizer.step() comes to the next line of the file", async () => {
  const document = await vscode.workspace.openTextDocument(uri);
  const at = (text: string) => ({ file: uri.fsPath, line: lineOf(document, text) });
  await stepOver();
  assert.deepEqual(await place(), at("await optimizer.step()"));
  await stepOver();
  assert.deepEqual(await place(), at("for await (const"));
});

test("it goes on without breakpoints to the end, and to the numbers of a run without a debugger", async () => {
  vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
  let continued = 0;
  const [debugged, trained] = await until("the end", async () => {
    // The debugger hears of it some time later, and may stop once more.
    const stopped = stops;
    if (continued < stopped) await ask("continue", { threadId: 0 });
    continued = stopped;
    const runs = project.runs(NAME);
    return runs[0]?.status === "completed" && runs;
  });
  assert.equal(debugged?.steps, 45);
  assert.equal(debugged.finalLoss, trained?.finalLoss);
  await nothingIsLeft(debugged.pid);
});

test("Restart ends the run and starts another one, which stops there, too", async () => {
  const document = await vscode.workspace.openTextDocument(uri);
  const line = lineOf(document, "optimizer.zeroGrad()");
  const location = new vscode.Location(uri, new vscode.Position(line - 1, 0));
  vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(location)]);
  await debugUntilItStops();
  const [first] = project.runs(NAME);
  assert.ok(first);
  await vscode.commands.executeCommand("workbench.action.debug.restart");
  await until("the breakpoint of the second run", async () => {
    if (project.runs(NAME)[0]?.id === first.id) return false;
    // Until there is a thread that stands there is none to ask.
    return (await place().catch(() => undefined))?.line === line;
  });
  const [second, ended] = project.runs(NAME);
  assert.ok(second);
  assert.notEqual(second.id, first.id);
  assert.deepEqual([ended?.id, ended?.status], [first.id, "stopped"]);
  assert.equal(isAlive(first.pid), false);
  assert.deepEqual(await place(), { file: uri.fsPath, line });
  vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
  await vscode.commands.executeCommand("workbench.action.debug.stop");
  await until("its end", () => project.runs(NAME)[0]?.status === "stopped");
  await nothingIsLeft(second.pid);
});

async function debugUntilItStops(): Promise<void> {
  const before = stops;
  await vscode.commands.executeCommand("stepscope.debug", uri);
  await until("the breakpoint", () => stops > before);
}

async function stepOver(): Promise<void> {
  const before = stops;
  await ask("next", { threadId: 0 });
  await until("the end of the step", () => stops > before);
}

/** Where the script stands. */
async function place(): Promise<{ file: string | undefined; line: number | undefined }> {
  const frame = await topFrame();
  const path = frame.source?.path;
  return { file: path && vscode.Uri.parse(path).fsPath, line: frame.line };
}

async function topFrame(): Promise<Frame> {
  const { stackFrames } = await ask<{ stackFrames: Frame[] }>("stackTrace", { threadId: 0 });
  const [top] = stackFrames;
  assert.ok(top);
  return top;
}

/** The variables that the script sees where it stands, but for global ones. */
async function localVariables(): Promise<Map<string, string>> {
  const { id: frameId } = await topFrame();
  const { scopes } = await ask<{ scopes: Scope[] }>("scopes", { frameId });
  const found = new Map<string, string>();
  for (const { variablesReference } of scopes.filter(({ name }) => name !== "Global")) {
    const { variables } = await ask<{ variables: Variable[] }>("variables", { variablesReference });
    for (const { name, value } of variables) found.set(name, value);
  }
  return found;
}

/** What a hover shows over a text, so many characters from where it begins. */
async function hover(text: string, offset: number): Promise<string> {
  const document = await vscode.workspace.openTextDocument(uri);
  const position = document.positionAt(document.getText().indexOf(text) + offset);
  const found = new DebugHover().provideEvaluatableExpression(document, position);
  assert.ok(found, text);
  const { id: frameId } = await topFrame();
  const { expression } = found;
  const { result } = await ask<{ result: string }>("evaluate", {
    expression,
    frameId,
    context: "hover",
  });
  return result;
}

async function nothingIsLeft(pid: number): Promise<void> {
  await until("the end of the process", () => !isAlive(pid));
  await until("the end of the debugger", () => sessions.size === 0);
  await lensTitled(uri, "▶ Train");
}

/** The line of a text, counted from 1. */
function lineOf(document: vscode.TextDocument, text: string): number {
  return document.positionAt(document.getText().indexOf(text)).line + 1;
}
