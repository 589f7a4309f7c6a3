import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import * as vscode from "vscode";
import { isOpen } from "../../runtime/protocol/finding.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { LanguageModelTool } from "../contributed.ts";
import type { LiveRun } from "./liveRun.ts";
import type { Runs } from "./runs.ts";
import { saved } from "./saved.ts";
import type { StoredRuns } from "./storedRuns.ts";
import { mayRun } from "./trust.ts";

interface TrainInput {
  /** Path of the training file, absolute or in the workspace. */
  readonly file: string;
  readonly arguments?: readonly string[];
  /** The run is stopped then, and told as it stands. */
  readonly seconds?: number;
}

const DEFAULT_SECONDS = 60;

/** Registers the tools by which a coding assistant trains a file, and reads the verdict of a run. */
export function registerTrainingTools(runs: Runs, stored: StoredRuns): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.lm.registerTool<TrainInput>(LanguageModelTool.train, {
      prepareInvocation: ({ input }) => ({
        invocationMessage: vscode.l10n.t("Training {0}", basename(input.file)),
        confirmationMessages: {
          title: vscode.l10n.t("Train {0}", basename(input.file)),
          message: vscode.l10n.t("This runs the code of {0} on this machine.", input.file),
        },
      }),
      invoke: async ({ input }, token) => result(await train(input, token)),
    }),
    vscode.lm.registerTool<Pick<TrainInput, "file">>(LanguageModelTool.verdict, {
      invoke: async ({ input }) => {
        const script = scriptPath(input.file);
        const record = runs.of(script)?.record ?? (await stored.last(script))?.record;
        return result(record ? verdict(record) : { error: `${script} has not been trained yet.` });
      },
    }),
  );

  async function train(input: TrainInput, token: vscode.CancellationToken): Promise<object> {
    if (!mayRun()) return { error: "The workspace is not trusted." };
    const script = scriptPath(input.file);
    if (runs.state(script).phase !== "idle") return { error: `${script} is training already.` };
    if (!(await saved(vscode.Uri.file(script)))) return { error: "The file could not be saved." };
    try {
      if (!(await turn(script, token))) return { error: "It was stopped before its turn came." };
      const run = await runs.start(script, input.arguments);
      await ended(run, input.seconds ?? DEFAULT_SECONDS, token);
      return verdict(run.record);
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Waits until the script may train; false where nobody waits any more. */
  async function turn(script: string, token: vscode.CancellationToken): Promise<boolean> {
    const cancellation = token.onCancellationRequested(() => runs.stop(script));
    try {
      return await runs.turn(script);
    } finally {
      cancellation.dispose();
    }
  }

  /** Waits for the end of a run, and stops it when the time is over or nobody waits any more. */
  async function ended(
    run: LiveRun,
    seconds: number,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const stop = (): void => runs.stop(run.script);
    const timer = setTimeout(stop, seconds * 1000);
    const cancellation = token.onCancellationRequested(stop);
    try {
      await runs.end(run);
    } finally {
      clearTimeout(timer);
      cancellation.dispose();
    }
  }
}

/** What an assistant needs of a run: how it ended, and what the diagnosis says. */
function verdict(record: RunRecord): object {
  const { id, script, args, status, steps, finalLoss, seed, adapter, error, findings } = record;
  return {
    run: id,
    script,
    arguments: args,
    seed,
    adapter: adapter?.description,
    status,
    steps,
    // JSON has no NaN.
    finalLoss: Number.isFinite(finalLoss) ? finalLoss : String(finalLoss),
    ...(error && { error }),
    findings: findings.filter(isOpen),
  };
}

function result(value: object): vscode.LanguageModelToolResult {
  const text = new vscode.LanguageModelTextPart(JSON.stringify(value));
  return new vscode.LanguageModelToolResult([text]);
}

/** A path as an assistant gives it, in the first folder of the workspace that has such a file. */
function scriptPath(file: string): string {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const paths = folders.map(({ uri }) => resolve(uri.fsPath, file));
  return paths.find(path => existsSync(path)) ?? paths[0] ?? resolve(file);
}
