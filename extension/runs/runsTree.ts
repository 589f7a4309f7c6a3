import { basename } from "node:path";
import * as vscode from "vscode";
import { matches, type RunSummary, runDuration, runName } from "../../runtime/store/summary.ts";
import { Command, ContextKey, RUNS_VIEW } from "../contributed.ts";
import { formatCount, formatLoss, formatRate } from "../format.ts";
import { queueText } from "./queueText.ts";
import type { ProjectRuns, RunHistory } from "./runHistory.ts";
import type { Runs } from "./runs.ts";

/** A script that waits for its turn to train. */
interface QueuedScript {
  readonly queued: string;
  readonly before: number;
}

/** A row of the tree: a script that waits, a project, where there are several, or a run. */
export type RunsNode = QueuedScript | ProjectRuns | RunSummary;

const STATUS_ICONS = {
  running: "pulse",
  completed: "check",
  stopped: "debug-stop",
  failed: "error",
  crashed: "error",
} as const;

/** The list of runs in the side bar. */
export class RunsTree implements vscode.TreeDataProvider<RunsNode>, vscode.Disposable {
  readonly onDidChangeTreeData: vscode.Event<void>;
  readonly #runs: Runs;
  readonly #history: RunHistory;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #view: vscode.TreeView<RunsNode>;
  readonly #subscriptions: vscode.Disposable;
  #filter = "";
  /** Folders of the pinned runs. */
  #baselines: ReadonlySet<string | undefined> = new Set();

  constructor(runs: Runs, history: RunHistory) {
    this.#runs = runs;
    this.#history = history;
    this.onDidChangeTreeData = this.#changed.event;
    this.#view = vscode.window.createTreeView(RUNS_VIEW, {
      treeDataProvider: this,
      canSelectMany: true,
      showCollapseAll: false,
    });
    this.#subscriptions = vscode.Disposable.from(
      this.#changed,
      this.#view,
      history.onDidChange(() => {
        if (this.#view.visible) this.#changed.fire();
      }),
      this.#view.onDidChangeVisibility(({ visible }) => {
        if (visible) this.#changed.fire();
      }),
    );
  }

  get filter(): string {
    return this.#filter;
  }

  /** Shows the runs that have all words of a filter; all runs for an empty one. */
  setFilter(filter: string): void {
    this.#filter = filter.trim();
    this.#view.message = this.#filter && vscode.l10n.t("Filter: {0}", this.#filter);
    void vscode.commands.executeCommand("setContext", ContextKey.runsFiltered, this.#filter !== "");
    this.#changed.fire();
  }

  /** The runs that are selected. */
  get selection(): RunSummary[] {
    return this.#view.selection.filter(isRun);
  }

  async getChildren(node?: RunsNode): Promise<RunsNode[]> {
    if (node) return "runs" in node ? this.#shown(node) : [];
    const projects = await this.#history.projects();
    this.#baselines = new Set(projects.map(({ baseline }) => baseline));
    const [only] = projects;
    if (projects.length === 1 && only) return [...this.#queued(), ...this.#shown(only)];
    const shown = projects.filter(project => this.#shown(project).length > 0);
    return [...this.#queued(), ...shown];
  }

  getTreeItem(node: RunsNode): vscode.TreeItem {
    if (isQueued(node)) return queuedItem(node);
    return isRun(node) ? runItem(node, this.#baselines.has(node.folder)) : projectItem(node);
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #queued(): QueuedScript[] {
    return this.#runs.queuedScripts.flatMap(script => {
      const state = this.#runs.state(script);
      return state.phase === "queued" ? [{ queued: script, before: state.before }] : [];
    });
  }

  #shown({ runs }: ProjectRuns): RunSummary[] {
    return runs.filter(run => matches(run, this.#filter));
  }
}

export function isRun(node: unknown): node is RunSummary {
  return typeof node === "object" && node !== null && "record" in node && "folder" in node;
}

export function isQueued(node: unknown): node is QueuedScript {
  return typeof node === "object" && node !== null && "queued" in node;
}

function queuedItem({ queued, before }: QueuedScript): vscode.TreeItem {
  const item = new vscode.TreeItem(basename(queued));
  item.id = `queued:${queued}`;
  item.description = vscode.l10n.t("queued, {0}", queueText(before));
  item.tooltip = queued;
  item.iconPath = new vscode.ThemeIcon("watch");
  item.contextValue = "queued";
  item.command = {
    title: vscode.l10n.t("Open Script"),
    command: "vscode.open",
    arguments: [vscode.Uri.file(queued)],
  };
  return item;
}

function projectItem({ project, runs }: ProjectRuns): vscode.TreeItem {
  const item = new vscode.TreeItem(basename(project), vscode.TreeItemCollapsibleState.Expanded);
  item.id = project;
  item.description = vscode.l10n.t("{0} runs", runs.length);
  item.tooltip = project;
  item.contextValue = "project";
  return item;
}

function runItem(run: RunSummary, isBaseline: boolean): vscode.TreeItem {
  const { record, notes, folder } = run;
  const item = new vscode.TreeItem(notes.starred ? `★ ${runName(run)}` : runName(run));
  item.id = folder;
  const described = runDescription(run);
  item.description = isBaseline ? `${vscode.l10n.t("baseline")} · ${described}` : described;
  item.tooltip = tooltip(run);
  item.iconPath = new vscode.ThemeIcon(STATUS_ICONS[record.status], statusColor(run));
  const state = record.status === "running" ? "running" : "ended";
  item.contextValue = `run.${state}${notes.starred ? ".starred" : ""}${isBaseline ? ".baseline" : ""}`;
  item.command = {
    title: vscode.l10n.t("Open Run"),
    command: Command.openRun,
    arguments: [run],
  };
  item.accessibilityInformation = {
    label: [runName(run), record.status, item.description].join(", "),
  };
  return item;
}

/** `loss 0.231 · η 0.002 · 12 s · #wide · before the fix` */
export function runDescription({ record, rate, notes }: RunSummary): string {
  const { steps, finalLoss } = record;
  const measured =
    steps > 0
      ? [vscode.l10n.t("loss {0}", formatLoss(finalLoss)), `η ${formatRate(rate)}`]
      : [vscode.l10n.t("no step")];
  const tags = notes.tags.map(tag => `#${tag}`).join(" ");
  const note = notes.note.split("\n", 1)[0] ?? "";
  return [...measured, duration(runDuration(record)), tags, note].filter(Boolean).join(" · ");
}

/** `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min` */
function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return vscode.l10n.t("{0} s", seconds.toFixed(1));
  if (seconds < 60) return vscode.l10n.t("{0} s", Math.round(seconds));
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return vscode.l10n.t("{0} min {1} s", minutes, Math.floor(seconds % 60));
  return vscode.l10n.t("{0} h {1} min", Math.floor(minutes / 60), minutes % 60);
}

function tooltip({ record, notes, rate, folder }: RunSummary): vscode.MarkdownString {
  const { status, script, args, startedAt, seed, steps, finalLoss, adapter, error } = record;
  const facts: [string, string][] = [
    [vscode.l10n.t("State"), status],
    [vscode.l10n.t("Started"), new Date(startedAt).toLocaleString(vscode.env.language)],
    [vscode.l10n.t("Steps"), formatCount(steps)],
    [vscode.l10n.t("Loss"), steps > 0 ? formatLoss(finalLoss) : ""],
    ["η", steps > 0 ? formatRate(rate) : ""],
    [vscode.l10n.t("Arguments"), args.join(" ")],
    [vscode.l10n.t("Seed"), String(seed)],
    [vscode.l10n.t("Adapter"), adapter?.description ?? ""],
    [vscode.l10n.t("Error"), error?.message.split("\n", 1)[0] ?? ""],
    [vscode.l10n.t("Note"), notes.note],
  ];
  const text = new vscode.MarkdownString();
  text.appendText(`${script}\n`);
  for (const [name, value] of facts) {
    if (value) text.appendMarkdown("- ").appendText(`${name}: ${value}`).appendMarkdown("\n");
  }
  return text.appendMarkdown("\n").appendText(basename(folder));
}

function statusColor({ record }: RunSummary): vscode.ThemeColor | undefined {
  switch (record.status) {
    case "failed":
    case "crashed":
      return new vscode.ThemeColor("list.errorForeground");
    case "running":
      return new vscode.ThemeColor("charts.green");
    default:
      return undefined;
  }
}
