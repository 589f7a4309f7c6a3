/** What the extension does in a real VS Code, seen through VS Code's public API alone. */
import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as vscode from "vscode";
import type { LearningRateProbe } from "../../runtime/protocol/probe.ts";
import { readBaseline } from "../../runtime/store/baseline.ts";
import { listRuns, summarize } from "../../runtime/store/list.ts";
import type { RunSummary } from "../../runtime/store/summary.ts";
import { ENDLESS, extension, isAlive, lenses, lensTitled, project } from "./project.ts";
import { test, until } from "./suite.ts";

const digits = project.uri("digits.ts");

test("it activates when it is asked to", async () => {
  const start = performance.now();
  await extension.activate();
  console.log(`  activation: ${(performance.now() - start).toFixed(1)} ms`);
  assert.ok(extension.isActive);
});

test("every command of the manifest exists", async () => {
  const known = new Set(await vscode.commands.getCommands(true));
  for (const { command } of extension.packageJSON.contributes.commands) {
    assert.ok(known.has(command), command);
  }
});

test("a training file has one lens, above its outermost loop", async () => {
  const { document } = await project.show("digits.ts");
  await lensTitled(digits, "▶ Train");
  const found = await lenses(digits);
  assert.deepEqual(
    found.map(lens => lens.title),
    ["▶ Train", "Debug", "Find learning rate"],
  );
  assert.match(document.lineAt((found[0]?.line ?? 0) - 1).text, /^for \(let epoch/);
});

test("a file that does not import stepscope has none", async () => {
  await project.write("other.ts", "for (;;) { loss.backward(); optimizer.step(); }\n");
  assert.deepEqual(await lenses(project.uri("other.ts")), []);
});

test("the lens stays at its loop while one types", async () => {
  const editor = await project.write("typing.ts", ENDLESS);
  const uri = project.uri("typing.ts");
  assert.deepEqual(await lensLines(uri), [4]);
  await editor.edit(edit => edit.insert(new vscode.Position(1, 0), "const broken = (\n\n"));
  assert.deepEqual(await lensLines(uri), [6]);
  await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
});

test("a training loop that is typed in front takes the lens", async () => {
  const editor = await project.write("typed.ts", ENDLESS);
  const uri = project.uri("typed.ts");
  assert.deepEqual(await lensLines(uri), [4]);
  const loop = "for (;;) { other.backward(); optimizer.step(); }\n";
  await editor.edit(edit => edit.insert(new vscode.Position(1, 0), loop));
  await until("the lens of the new loop", async () => (await lensLines(uri))[0] === 2);
  await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
});

test("the setting turns the lens off at once", async () => {
  const settings = vscode.workspace.getConfiguration("stepscope");
  await settings.update("codeLens.enabled", false, vscode.ConfigurationTarget.Global);
  try {
    assert.deepEqual(await lenses(digits), []);
  } finally {
    await settings.update("codeLens.enabled", undefined, vscode.ConfigurationTarget.Global);
  }
  await lensTitled(digits, "▶ Train");
});

test("Find learning rate tries some on the file, and leaves no run", async () => {
  const found = await vscode.commands.executeCommand<LearningRateProbe | undefined>(
    "stepscope.findLearningRate",
    digits,
  );
  assert.equal(found?.lr, 2e-3);
  // What this network and AdamW bear: far from the ends of what is tried.
  assert.ok(found.suggestion && found.suggestion > 5e-4 && found.suggestion < 0.1);
  // Short runs at others, a lower and a higher one among them, were worse.
  assert.equal(found.confidence, "high");
  assert.deepEqual(project.runs("digits.ts"), []);
});

test("Train runs the file, shows the panel beside it, and counts in the lens", async () => {
  await project.show("digits.ts");
  await vscode.commands.executeCommand("stepscope.train", digits);
  const titles = await lensTitled(digits, /^loss [\d.e-]+ · step \d/);
  assert.equal(titles[0], "■ Stop");
  assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), digits.toString());
  assert.deepEqual(panels(), ["Stepscope: digits.ts"]);
  await until("steps in the store", () => (project.runs("digits.ts")[0]?.steps ?? 0) > 20);
});

test("Train again while it runs starts nothing", async () => {
  await vscode.commands.executeCommand("stepscope.train", digits);
  assert.equal(project.runs("digits.ts").length, 1);
});

test("a run takes what others leave of the processor while somebody types", async () => {
  const autogroup = `/proc/${project.runs("digits.ts")[0]?.pid}/autogroup`;
  // Absent where the kernel shares the processor among processes alone.
  if (!existsSync(autogroup)) return;
  const has = (nice: string) => () => readFileSync(autogroup, "utf8").trim().endsWith(` ${nice}`);
  await until("the priority of a run", has("nice 10"));
  await project.show("other.ts");
  await vscode.commands.executeCommand("type", { text: "// a word" });
  await until("the priority beside somebody who types", has("nice 19"));
  await until("the priority afterwards", has("nice 10"));
  await vscode.commands.executeCommand("workbench.action.files.revert");
  await project.show("digits.ts");
});

test("Stop ends the process and keeps the run", async () => {
  const [running] = project.runs("digits.ts");
  assert.ok(running);
  await vscode.commands.executeCommand("stepscope.stop", digits);
  await until("the end of the process", () => !isAlive(running.pid));
  const [stopped] = project.runs("digits.ts");
  assert.equal(stopped?.status, "stopped");
  assert.ok(stopped.steps >= running.steps);
  const titles = await lensTitled(digits, /^last: loss /);
  assert.equal(titles[0], "▶ Train");
});

test("a hover over the loss has its curve and the numbers of the step", async () => {
  const { document } = await project.show("digits.ts");
  const at = document.positionAt(document.getText().indexOf("backward()"));
  const hovers = await until("the hover", async () => {
    const found = await vscode.commands.executeCommand<vscode.Hover[]>(
      "vscode.executeHoverProvider",
      digits,
      at,
    );
    const texts = found.flatMap(({ contents }) => contents.map(text));
    return texts.find(each => each.includes("gradient norm"));
  });
  assert.match(hovers, /!\[Loss\]\(data:image\/svg\+xml;base64,/);
  assert.match(hovers, /\| loss \| [\d.e-]+ \|/);
  assert.match(hovers, /\| `0\.weight` \| [\d.e-]+ \|/);
});

test("the types of stepscope are known without an install", async () => {
  const { document } = await project.show("digits.ts");
  const at = document.positionAt(document.getText().indexOf("AdamW"));
  await until("the type of the optimizer", async () => {
    const found = await vscode.commands.executeCommand<vscode.Hover[]>(
      "vscode.executeHoverProvider",
      digits,
      at,
    );
    const shown = found.flatMap(({ contents }) => contents.map(text)).join("\n");
    return shown.includes("AdamWOptions") || shown.includes("new AdamW(");
  });
  const unknown = vscode.languages
    .getDiagnostics(digits)
    .filter(({ message }) => message.includes("'stepscope'"));
  assert.deepEqual(unknown, []);
});

test("an unsaved file is saved before it trains", async () => {
  const editor = await project.write("unsaved.ts", "");
  const uri = project.uri("unsaved.ts");
  await editor.edit(edit => edit.insert(new vscode.Position(0, 0), ENDLESS));
  await vscode.commands.executeCommand("stepscope.train", uri);
  assert.ok(!editor.document.isDirty);
  await until("the first steps", () => (project.runs("unsaved.ts")[0]?.steps ?? 0) > 0);
  await stopAndWait("unsaved.ts");
});

test("a script that does not parse is marked at its line, until it is edited", async () => {
  const editor = await project.write("broken.ts", `${ENDLESS}const = 3;\n`);
  const uri = project.uri("broken.ts");
  await vscode.commands.executeCommand("stepscope.train", uri);
  const found = await diagnosticOf(uri);
  assert.equal(found.range.start.line + 1, ENDLESS.split("\n").length);
  assert.match(found.message, /Expected identifier/);
  assert.deepEqual(project.runs("broken.ts"), []);
  await editor.edit(edit => edit.insert(new vscode.Position(0, 0), "\n"));
  await until("the mark to go", () => marks(uri).length === 0);
  await editor.document.save();
});

test("a script that throws is marked at the line, and keeps its steps", async () => {
  const thrower = ENDLESS.replace("while (true) {", "for (let step = 0; step < 5; step++) {");
  await project.write("throws.ts", `${thrower}throw new Error("out of ideas");\n`);
  const uri = project.uri("throws.ts");
  await vscode.commands.executeCommand("stepscope.train", uri);
  const found = await diagnosticOf(uri);
  assert.equal(found.range.start.line + 1, thrower.split("\n").length);
  assert.match(found.message, /out of ideas/);
  const [failed] = project.runs("throws.ts");
  assert.equal(failed?.status, "failed");
  assert.equal(failed?.steps, 5);

  await project.write("throws.ts", thrower);
  await vscode.commands.executeCommand("stepscope.train", uri);
  await until("the mark to go", () => marks(uri).length === 0);
  await until("the end", () => project.runs("throws.ts")[0]?.status === "completed");
});

test("a loop that is held takes a step, goes back to one that is chosen, and its rate is written down", async () => {
  const { document } = await project.write("held.ts", ENDLESS);
  const { uri } = document;
  const run = () => project.runs("held.ts")[0];
  await vscode.commands.executeCommand("stepscope.train", uri);
  await until("the first steps", () => (run()?.steps ?? 0) > 5);
  await vscode.commands.executeCommand("stepscope.pause", uri);
  await until("the pause", () => run()?.paused);
  const { steps = 0 } = run() ?? {};
  await vscode.commands.executeCommand("stepscope.step", uri);
  await until("the step", () => run()?.steps === steps + 1 && run()?.kept?.includes(steps + 1));
  await until("the way back", async () => {
    void vscode.commands.executeCommand("stepscope.rewind", uri);
    await new Promise(resolve => setTimeout(resolve, 500));
    // The first of the list is where the loop stands.
    await vscode.commands.executeCommand("workbench.action.quickOpenSelectNext");
    await vscode.commands.executeCommand("workbench.action.acceptSelectedQuickOpenItem");
    return run()?.rewinds;
  });
  assert.deepEqual(run()?.rewinds, [{ step: steps + 1, to: steps }]);

  const option = { group: 0, name: "lr", value: 0.05 };
  void vscode.commands.executeCommand("stepscope.writeOption", uri, option);
  await until("the edit", async () => {
    // It is not ticked before the user has seen it.
    await vscode.commands.executeCommand("refactorPreview.focus");
    await vscode.commands.executeCommand("list.focusFirst");
    await new Promise(resolve => setTimeout(resolve, 500));
    if (document.getText() !== ENDLESS) return true;
    await vscode.commands.executeCommand("refactorPreview.toggleCheckedState");
    await vscode.commands.executeCommand("refactorPreview.apply");
    return document.getText() !== ENDLESS;
  });
  assert.equal(document.getText(), ENDLESS.replace("1e-3 }", "0.05 }"));
  await document.save();

  // One says in the panel what is to be tried.
  await vscode.commands.executeCommand("stepscope.branch", uri);
  const front = () => vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  await until("the panel", () => front() instanceof vscode.TabInputWebview);
  await stopAndWait("held.ts");
});

test("an endless loop that takes no step stops", async () => {
  await project.write("endless.ts", 'import "stepscope";\nwhile (true) {}\n');
  await vscode.commands.executeCommand("stepscope.train", project.uri("endless.ts"));
  await until("the run", () => project.runs("endless.ts")[0]?.status === "running");
  await stopAndWait("endless.ts");
});

test("a process that hangs is ended by force", async () => {
  await project.write("hangs.ts", ENDLESS);
  const uri = project.uri("hangs.ts");
  await vscode.commands.executeCommand("stepscope.train", uri);
  const running = await until("the first steps", () =>
    project.runs("hangs.ts").find(({ steps }) => steps > 0),
  );
  process.kill(running.pid, "SIGSTOP");
  await vscode.commands.executeCommand("stepscope.stop", uri);
  await until("the end of the process", () => !isAlive(running.pid));
  assert.ok((project.runs("hangs.ts")[0]?.steps ?? 0) >= running.steps);
});

test("a process that is killed is told as crashed, and its points survive", async () => {
  await project.write("killed.ts", ENDLESS);
  const uri = project.uri("killed.ts");
  await vscode.commands.executeCommand("stepscope.train", uri);
  await lensTitled(uri, /^loss .* · step \d/);
  const running = project.runs("killed.ts")[0];
  assert.ok(running);
  process.kill(running.pid, "SIGKILL");
  await lensTitled(uri, "▶ Train");
  const [crashed] = project.runs("killed.ts");
  assert.equal(crashed?.status, "crashed");
  assert.ok(crashed.steps >= running.steps);
});

test("a script that runs to its end says so in the lens", async () => {
  const uri = project.uri("parabola.ts");
  await project.show("parabola.ts");
  await vscode.commands.executeCommand("stepscope.train", uri);
  await until("the end", () => project.runs("parabola.ts")[0]?.status === "completed");
  await lensTitled(uri, /^last: loss /);
});

test("scripts of two runs are compared in the editor, and one is pinned", async () => {
  const [after, before] = summaries("throws.ts");
  assert.ok(before && after);
  await vscode.commands.executeCommand("stepscope.compareSources", after, [after, before]);
  const shown = await until("the comparison", () => {
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    return input instanceof vscode.TabInputTextDiff && input;
  });
  const textOf = async (uri: vscode.Uri) =>
    (await vscode.workspace.openTextDocument(uri)).getText();
  assert.match(await textOf(shown.original), /throw new Error/);
  assert.doesNotMatch(await textOf(shown.modified), /throw new Error/);
  await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
  await vscode.commands.executeCommand("stepscope.pinBaseline", before);
  assert.equal(readBaseline(project.folder), before.folder);
  await vscode.commands.executeCommand("stepscope.unpinBaseline", before);
  assert.equal(readBaseline(project.folder), undefined);
  await vscode.commands.executeCommand("stepscope.compareRuns", after, [after, before]);
  await until("the panel", () => panels().includes("Stepscope: throws.ts"));
});

test("a run is exported with all its points", async () => {
  const [run] = summaries("parabola.ts");
  assert.ok(run);
  void vscode.commands.executeCommand("stepscope.exportRun", run);
  const table = join(project.folder, `${run.record.id}-csv`, "steps.csv");
  await until("the export", async () => {
    // What is proposed: the format, then the place.
    await vscode.commands.executeCommand("workbench.action.acceptSelectedQuickOpenItem");
    return existsSync(table);
  });
  const lines = await until("the last line", () => {
    const written = readFileSync(table, "utf8").trim().split("\r\n");
    return written.length === run.record.steps + 1 && written;
  });
  assert.match(lines[0] ?? "", /^step,epoch,loss,/);
});

test("a run is deleted, but not while it goes on", async () => {
  const [run] = summaries("parabola.ts");
  assert.ok(run);
  await vscode.commands.executeCommand("stepscope.starRun", run);
  assert.equal(summaries("parabola.ts")[0]?.notes.starred, true);
  await vscode.commands.executeCommand("stepscope.unstarRun", run);
  assert.equal(summaries("parabola.ts")[0]?.notes.starred, false);

  const running = { ...run, record: { ...run.record, status: "running" } };
  void vscode.commands.executeCommand("stepscope.deleteRuns", running);
  assert.equal(summaries("parabola.ts").length, 1);
  // It answers when its message with Undo is closed, which nobody does here.
  void vscode.commands.executeCommand("stepscope.deleteRuns", run);
  await until("the deletion", () => summaries("parabola.ts").length === 0);
});

test("a run of another window is stopped from the list", async () => {
  await project.write("elsewhere.ts", ENDLESS);
  const uri = project.uri("elsewhere.ts");
  const cli = vscode.Uri.joinPath(extension.extensionUri, "dist/stepscope.js").fsPath;
  const child = spawn(process.execPath, [cli, "train", uri.fsPath], { stdio: "ignore" });
  const running = await until("the first steps", () =>
    summaries("elsewhere.ts").find(({ record }) => record.steps > 0),
  );
  await vscode.commands.executeCommand("stepscope.stopRun", running);
  await until("the end of the command", () => child.exitCode !== null);
  assert.equal(summaries("elsewhere.ts")[0]?.record.status, "stopped");
});

test("saving trains again where the setting says so", async () => {
  const settings = vscode.workspace.getConfiguration("stepscope");
  await settings.update("trainOnSave", true, vscode.ConfigurationTarget.Global);
  const editor = await project.write("saved.ts", ENDLESS);
  const uri = project.uri("saved.ts");
  try {
    await vscode.commands.executeCommand("stepscope.train", uri);
    await until("the first steps", () => (project.runs("saved.ts")[0]?.steps ?? 0) > 0);
    await editor.edit(edit => edit.insert(new vscode.Position(0, 0), "\n"));
    await editor.document.save();
    await until("the second run", () => project.runs("saved.ts").length === 2);
    await until("its first steps", () => (project.runs("saved.ts")[0]?.steps ?? 0) > 0);
    assert.equal(project.runs("saved.ts")[1]?.status, "stopped");
  } finally {
    await settings.update("trainOnSave", undefined, vscode.ConfigurationTarget.Global);
  }
  await stopAndWait("saved.ts");
});

/** Lines above which there are lenses. */
async function lensLines(uri: vscode.Uri): Promise<number[]> {
  return [...new Set((await lenses(uri)).map(({ line }) => line))];
}

/** The runs of a script as the list shows them, the newest first. */
function summaries(name: string): RunSummary[] {
  const script = project.uri(name).fsPath;
  return listRuns(project.folder)
    .runs.map(({ folder }) => summarize(folder))
    .filter(({ record }) => record.script === script);
}

function text(content: vscode.MarkdownString | vscode.MarkedString): string {
  return typeof content === "string" ? content : content.value;
}

/** Stops a script that runs, and waits until its process is gone. */
async function stopAndWait(name: string): Promise<void> {
  const [running] = project.runs(name);
  assert.ok(running);
  await vscode.commands.executeCommand("stepscope.stop", project.uri(name));
  await until("the end of the process", () => !isAlive(running.pid));
  await lensTitled(project.uri(name), "▶ Train");
  assert.equal(project.runs(name)[0]?.status, "stopped");
}

function marks(uri: vscode.Uri): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(uri).filter(({ source }) => source === "stepscope");
}

async function diagnosticOf(uri: vscode.Uri): Promise<vscode.Diagnostic> {
  return until("the mark of the error", () => marks(uri)[0]);
}

/** Titles of the panels that are open. */
function panels(): string[] {
  return vscode.window.tabGroups.all
    .flatMap(group => group.tabs)
    .filter(({ input }) => input instanceof vscode.TabInputWebview)
    .map(({ label }) => label);
}
