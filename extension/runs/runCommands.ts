import { basename } from "node:path";
import * as vscode from "vscode";
import type { RunNotes } from "../../runtime/store/notes.ts";
import { type RunSummary, runName } from "../../runtime/store/summary.ts";
import { Command } from "../contributed.ts";
import type { Panel } from "../panel/panel.ts";
import { exportRun } from "./exportRun.ts";
import type { RunHistory } from "./runHistory.ts";
import { RunSources } from "./runSources.ts";
import type { Runs } from "./runs.ts";
import { isQueued, isRun, type RunsTree, runDescription } from "./runsTree.ts";

/** What the commands of the list of runs act on. */
export interface RunCommandParts {
  readonly runs: Runs;
  readonly history: RunHistory;
  readonly tree: RunsTree;
  readonly panel: Panel;
}

/**
 * Registers the commands of the list of runs. Those of a run take its row, and all selected rows
 * where there are several; called without, they take the selection.
 */
export function registerRunCommands(parts: RunCommandParts): vscode.Disposable {
  const { runs, history, tree, panel } = parts;
  const register = vscode.commands.registerCommand;
  const one = (act: (run: RunSummary) => unknown) => (row?: unknown) => {
    const [run] = targets(row);
    return run && act(run);
  };
  return vscode.Disposable.from(
    register(
      Command.openRun,
      one(({ folder }) => panel.show({ runFolder: folder })),
    ),
    register(Command.compareRuns, compare),
    register(Command.compareSources, (row?: unknown, rows?: unknown) =>
      compareSources(targets(row, rows)),
    ),
    register(Command.pinBaseline, (row?: unknown) =>
      pin(isRun(row) ? row.folder : (panel.shownRun ?? tree.selection[0]?.folder)),
    ),
    register(Command.unpinBaseline, unpin),
    register(
      Command.openRunScript,
      one(({ record }) => vscode.window.showTextDocument(vscode.Uri.file(record.script))),
    ),
    register(Command.renameRun, one(rename)),
    register(Command.noteRun, one(note)),
    register(Command.tagRun, one(tag)),
    register(Command.starRun, (row?: unknown, rows?: unknown) => star(targets(row, rows), true)),
    register(Command.unstarRun, (row?: unknown, rows?: unknown) => star(targets(row, rows), false)),
    register(Command.exportRun, one(exportRun)),
    register(Command.deleteRuns, (row?: unknown, rows?: unknown) => remove(targets(row, rows))),
    register(Command.stopRun, one(stop)),
    register(Command.unqueue, (row?: unknown) => isQueued(row) && runs.stop(row.queued)),
    register(Command.stopOrphans, stopOrphans),
    register(Command.filterRuns, filter),
    register(Command.clearRunsFilter, () => tree.setFilter("")),
    register(Command.refreshRuns, () => history.refresh()),
  );

  function targets(row: unknown, rows?: unknown): RunSummary[] {
    const chosen = Array.isArray(rows) ? rows.filter(isRun) : [];
    if (chosen.length > 0) return chosen;
    return isRun(row) ? [row] : tree.selection;
  }

  /** Compares rows, or what the user chooses, with the run that is shown. */
  async function compare(row?: unknown, rows?: unknown): Promise<void> {
    const chosen = isRun(row) ? targets(row, rows) : await choose();
    const folders = chosen?.map(({ folder }) => folder);
    const first = folders?.[0];
    if (!chosen || !folders) return;
    const shown = panel.shownRun;
    // One row goes to those that are compared; of several, or of a choice, there are no others.
    const adds = isRun(row) && folders.length === 1;
    const base = shown !== undefined && (adds || !isRun(row) || folders.includes(shown));
    const runFolder = base ? shown : first;
    if (runFolder === undefined) return;
    const compared = new Set([...(adds ? panel.comparedRuns : []), ...folders]);
    compared.delete(runFolder);
    panel.compare(runFolder, [...compared]);
  }

  /** Shows in what two scripts differ: those of two rows, the older first, or a row's and the shown run's. */
  async function compareSources(chosen: readonly RunSummary[]): Promise<void> {
    const folders = chosen.map(({ folder }) => folder).sort();
    const shown = panel.shownRun;
    const pair = folders.length === 1 && shown !== undefined ? [...folders, shown] : folders;
    const [before, after, ...others] = pair;
    if (before === undefined || after === undefined || others.length > 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t("Select two runs in the list, or one while another is shown."),
      );
      return;
    }
    await RunSources.compare(before, after);
  }

  /** Makes a run the baseline of its project. */
  async function pin(folder: string | undefined): Promise<void> {
    if (folder === undefined) return;
    const { pinBaseline } = await import("../../runtime/store/baseline.ts");
    const { projectOf } = await import("../../runtime/store/paths.ts");
    pinBaseline(projectOf(folder), folder);
    history.refresh();
  }

  /** Unpins the baseline of the row's project, or those of all projects. */
  async function unpin(row?: unknown): Promise<void> {
    const { pinBaseline } = await import("../../runtime/store/baseline.ts");
    const { projectOf } = await import("../../runtime/store/paths.ts");
    const projects = isRun(row)
      ? [projectOf(row.folder)]
      : (await history.projects()).map(({ project }) => project);
    for (const project of projects) pinBaseline(project, undefined);
    history.refresh();
  }

  /** Lets the user choose among all runs but the one that is shown; undefined where it is cancelled. */
  async function choose(): Promise<readonly RunSummary[] | undefined> {
    const projects = await history.projects();
    const all = projects.flatMap(project => project.runs);
    const items = all
      .filter(({ folder }) => folder !== panel.shownRun)
      .map(run => ({
        label: runName(run),
        description: new Date(run.record.startedAt).toLocaleString(vscode.env.language),
        detail: runDescription(run),
        picked: panel.comparedRuns.includes(run.folder),
        run,
      }));
    if (items.length === 0) {
      void vscode.window.showInformationMessage(vscode.l10n.t("There are no other runs yet."));
      return undefined;
    }
    const chosen = await vscode.window.showQuickPick(items, {
      title: vscode.l10n.t("Compare Runs"),
      placeHolder: vscode.l10n.t("Runs to draw over the one that is shown"),
      canPickMany: true,
      matchOnDescription: true,
      matchOnDetail: true,
    });
    return chosen?.map(({ run }) => run);
  }

  async function annotate(run: RunSummary, change: Partial<RunNotes>): Promise<void> {
    const { writeNotes } = await import("../../runtime/store/notes.ts");
    writeNotes(run.folder, change);
    history.refresh(run.folder);
  }

  async function rename(run: RunSummary): Promise<void> {
    const name = await vscode.window.showInputBox({
      title: vscode.l10n.t("Rename Run"),
      prompt: vscode.l10n.t("Leave it empty for the name of the script."),
      placeHolder: basename(run.record.script),
      value: run.notes.name,
    });
    if (name !== undefined) await annotate(run, { name: name.trim() });
  }

  async function note(run: RunSummary): Promise<void> {
    const text = await vscode.window.showInputBox({
      title: vscode.l10n.t("Note to the Run"),
      value: run.notes.note,
    });
    if (text !== undefined) await annotate(run, { note: text.trim() });
  }

  async function tag(run: RunSummary): Promise<void> {
    const text = await vscode.window.showInputBox({
      title: vscode.l10n.t("Tags of the Run"),
      prompt: vscode.l10n.t("Words, with spaces between them."),
      value: run.notes.tags.join(" "),
    });
    if (text === undefined) return;
    const words = text.split(/[\s,]+/).map(word => word.replace(/^#/, ""));
    await annotate(run, { tags: [...new Set(words.filter(Boolean))] });
  }

  async function star(chosen: readonly RunSummary[], starred: boolean): Promise<void> {
    for (const run of chosen) await annotate(run, { starred });
  }

  /** Deletes runs that have ended, and offers to take it back. */
  async function remove(chosen: readonly RunSummary[]): Promise<void> {
    const ended = chosen.filter(({ record }) => record.status !== "running");
    if (ended.length < chosen.length) {
      void vscode.window.showWarningMessage(
        vscode.l10n.t("A run that goes on cannot be deleted. Stop it first."),
      );
    }
    if (ended.length === 0) return;
    const { deleteRuns, restoreRuns } = await import("../../runtime/store/trash.ts");
    const deleted = deleteRuns(ended.map(({ folder }) => folder));
    history.refresh();
    const undo = vscode.l10n.t("Undo");
    const said =
      ended.length === 1
        ? vscode.l10n.t("The run was deleted.")
        : vscode.l10n.t("{0} runs were deleted.", ended.length);
    if ((await vscode.window.showInformationMessage(said, undo)) !== undo) return;
    restoreRuns(deleted);
    history.refresh();
  }

  /** Stops a run, also one that another window or a terminal has started. */
  async function stop({ folder }: RunSummary): Promise<void> {
    const followed = runs.in(folder);
    if (followed?.active) {
      runs.stop(followed.script);
      return;
    }
    await stopElsewhere(folder);
    history.refresh();
  }

  /** Lets the user choose among the runs that live and that this window does not follow. */
  async function stopOrphans(): Promise<void> {
    const { livingSidecars } = await import("../../runtime/store/registry.ts");
    const orphans = livingSidecars().filter(({ runFolder }) => !runs.in(runFolder)?.active);
    if (orphans.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t("Nothing trains on this machine but what this window follows."),
      );
      return;
    }
    const items = orphans.map(({ script, runFolder, process: { pid } }) => ({
      label: basename(script),
      description: vscode.l10n.t("process {0}", pid),
      detail: script,
      picked: true,
      runFolder,
    }));
    const chosen = await vscode.window.showQuickPick(items, {
      title: vscode.l10n.t("Stop Training of Other Windows and Terminals"),
      canPickMany: true,
    });
    for (const { runFolder } of chosen ?? []) await stopElsewhere(runFolder);
    history.refresh();
  }

  async function filter(): Promise<void> {
    const text = await vscode.window.showInputBox({
      title: vscode.l10n.t("Filter Runs"),
      prompt: vscode.l10n.t("Words of the name, script, state or note; #tag; ★ for starred runs."),
      value: tree.filter,
    });
    if (text !== undefined) tree.setFilter(text);
  }
}

async function stopElsewhere(folder: string): Promise<void> {
  const { attachRun } = await import("../../runtime/client/start.ts");
  const connection = await attachRun(folder, () => {});
  connection?.stop();
  await connection?.closed;
}
