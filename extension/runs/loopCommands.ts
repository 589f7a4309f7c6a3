import { basename } from "node:path";
import * as vscode from "vscode";
import type { LookPart, OptionValue } from "../../runtime/protocol/page.ts";
import { type Rewindable, stepBackTarget, undoTarget } from "../../runtime/protocol/rewind.ts";
import { Command } from "../contributed.ts";
import type { LiveRun } from "./liveRun.ts";
import type { Runs } from "./runs.ts";

/**
 * Registers the commands that hold a training loop, have it go on, and look at it.
 *
 * @param scriptOf the script that a command is meant for, by its argument; undefined if nothing runs
 * @param open shows a run in the panel, and a look at its loop
 */
export function registerLoopCommands(
  runs: Runs,
  scriptOf: (argument: unknown) => string | undefined,
  open: (runFolder: string, part: LookPart) => void,
): vscode.Disposable {
  const register = (command: string, act: (script: string) => unknown): vscode.Disposable =>
    vscode.commands.registerCommand(command, async (argument?: unknown) => {
      const script = scriptOf(argument);
      if (script) await act(script);
    });
  const goBack = (script: string, target: (run: Rewindable) => number | undefined): void => {
    const run = runs.of(script);
    const step = run && target({ ...run.record, steps: run.step });
    if (step !== undefined) runs.control(script, { type: "rewind", step });
    else void vscode.window.showInformationMessage(NOTHING_KEPT());
  };
  const look = (script: string, part: LookPart): void => {
    const run = runs.of(script);
    if (run) open(run.folder, part);
  };
  const write = async (argument?: unknown, option?: OptionValue): Promise<void> => {
    const script = scriptOf(argument);
    const run = script && runs.of(script);
    if (!run) return;
    const { writeOption } = await import("../code/writeOption.ts");
    await writeOption(run.record, option);
  };
  return vscode.Disposable.from(
    vscode.commands.registerCommand(Command.writeOption, write),
    register(Command.pause, script => runs.control(script, { type: "pause" })),
    register(Command.resume, script => runs.control(script, { type: "resume" })),
    register(Command.step, script => runs.control(script, { type: "step", count: 1 })),
    register(Command.takeSteps, async script => {
      const count = await askNumber(vscode.l10n.t("Steps to take, after which it pauses"), script);
      if (count) runs.control(script, { type: "step", count });
    }),
    register(Command.runToStep, async script => {
      const step = await askNumber(vscode.l10n.t("Step behind which it pauses"), script);
      if (step) runs.control(script, { type: "runTo", step });
    }),
    register(Command.runToFinding, script => runs.control(script, { type: "runToFinding" })),
    register(Command.locateNonFinite, script => runs.control(script, { type: "locateNonFinite" })),
    register(Command.stepBack, script => goBack(script, stepBackTarget)),
    register(Command.undoChange, script => goBack(script, undoTarget)),
    register(Command.branch, script => look(script, "branches")),
    register(Command.drawPicture, script => look(script, "picture")),
    register(Command.rewind, async script => {
      const step = await askKept(runs.of(script));
      if (step !== undefined) runs.control(script, { type: "rewind", step });
    }),
  );
}

const NOTHING_KEPT = () => vscode.l10n.t("There is nothing that the run could go back to.");

/** One of the steps whose state is kept, the newest first; undefined if the user thinks better of it. */
async function askKept(run: LiveRun | undefined): Promise<number | undefined> {
  const kept = run?.record.kept ?? [];
  if (kept.length === 0) {
    void vscode.window.showInformationMessage(NOTHING_KEPT());
    return undefined;
  }
  const items = kept.toReversed().map(step => ({ label: vscode.l10n.t("Step {0}", step), step }));
  const title = vscode.l10n.t("Go back to the state after a step");
  return (await vscode.window.showQuickPick(items, { title }))?.step;
}

/** A whole number from one up; undefined if the user thinks better of it. */
async function askNumber(prompt: string, script: string): Promise<number | undefined> {
  const text = await vscode.window.showInputBox({
    title: basename(script),
    prompt,
    validateInput: value =>
      isPositiveCount(value) ? undefined : vscode.l10n.t("A whole number from 1 up is needed."),
  });
  return text === undefined ? undefined : Number(text);
}

function isPositiveCount(text: string): boolean {
  return /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) && Number(text) > 0;
}
