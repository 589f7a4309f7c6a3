/** A learning rate that is wrong is marked where it is written, and put right from there. */
import * as assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as vscode from "vscode";
import { isOpen } from "../../runtime/protocol/finding.ts";
import { project } from "./project.ts";
import { test, until } from "./suite.ts";

/** Steps behind which the second run has been judged. */
const JUDGED = 150;

for (const { name, rate, code } of [
  { name: "high.ts", rate: "3", code: "lr.diverging" },
  { name: "low.ts", rate: "1e-6", code: "lr.tooSmall" },
]) {
  test(`a learning rate of ${rate} is marked at its literal, and put right by the fix`, async () => {
    const digits = readFileSync(project.uri("digits.ts").fsPath, "utf8");
    const { document } = await project.write(name, digits.replace("lr: 2e-3", `lr: ${rate}`));
    const { uri } = document;
    const run = () => project.runs(name)[0];
    await vscode.commands.executeCommand("stepscope.train", uri);
    const mark = await until("the mark", () => markOf(uri, code));
    assert.equal(document.getText(mark.range), rate);

    const live = await fix(uri, mark, /^Use lr = [\d.e-]+ from the next step on$/);
    const again = await fix(uri, mark, /^Change lr to [\d.e-]+ and train again$/);
    const { command } = await fix(uri, mark, /^Find a learning rate by short runs$/);
    assert.deepEqual([command?.command, command?.arguments], ["stepscope.findLearningRate", [uri]]);

    // In the loop that runs, with the source as it is.
    await apply(live);
    const change = await until("the change", () => run()?.changes?.[0]);
    await until("the mark to go", () => !markOf(uri, code));
    assert.equal(document.getText(mark.range), rate);

    // In the source, and from the start.
    await apply(again);
    await until("the second run", () => project.runs(name).length === 2);
    assert.equal(Number(/lr: ([\d.e-]+)/.exec(document.getText())?.[1]), change.to);
    await until("its verdict", () => (run()?.steps ?? 0) > JUDGED);
    assert.deepEqual(run()?.findings.filter(isOpen), []);
    assert.equal(markOf(uri, code), undefined);
    await vscode.commands.executeCommand("stepscope.stop", uri);
    await until("the end", () => run()?.status === "stopped");
  });
}

test("a call that is missing is written by the fix of its mark", async () => {
  const digits = readFileSync(project.uri("digits.ts").fsPath, "utf8");
  const call = "optimizer.zeroGrad();";
  assert.ok(digits.includes(call));
  const { document } = await project.write("pile.ts", digits.replace(call, ""));
  const { uri } = document;
  await vscode.commands.executeCommand("stepscope.train", uri);
  const mark = await until("the mark", () => markOf(uri, "loop.zeroGrad"));
  await apply(await fix(uri, mark, /^Write optimizer\.zeroGrad\(\);$/));
  assert.match(document.getText(), /optimizer\.step\(\);\n\s+optimizer\.zeroGrad\(\);/);
  await vscode.commands.executeCommand("stepscope.stop", uri);
  await until("the end", () => project.runs("pile.ts")[0]?.status !== "running");
});

function markOf(uri: vscode.Uri, code: string): vscode.Diagnostic | undefined {
  return vscode.languages
    .getDiagnostics(uri)
    .find(each => typeof each.code === "object" && each.code.value === code);
}

/** The action of the light bulb at a mark. */
async function fix(
  uri: vscode.Uri,
  { range }: vscode.Diagnostic,
  title: RegExp,
): Promise<vscode.CodeAction> {
  return until(`the fix ${title}`, async () => {
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      "vscode.executeCodeActionProvider",
      uri,
      range,
    );
    return actions.find(action => title.test(action.title));
  });
}

/** Does what VS Code does with an action that is chosen: its edit, then its command. */
async function apply({ edit, command }: vscode.CodeAction): Promise<void> {
  if (edit) assert.ok(await vscode.workspace.applyEdit(edit));
  if (!command) return;
  await vscode.commands.executeCommand(command.command, ...(command.arguments ?? []));
}
