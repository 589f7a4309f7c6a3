import { basename, dirname } from "node:path";
import * as vscode from "vscode";
import type { RunSummary } from "../../runtime/store/summary.ts";
import { Throttle } from "../throttle.ts";
import type { Runs } from "./runs.ts";

/** A file that every run store has, and hardly anything else. */
const STORE_MARK = "**/.stepscope/.gitignore";

/** Shortest time between two changes of what is shown of runs that go on, in milliseconds. */
const REFRESH_INTERVAL_MS = 1000;

/** The runs of one project, the newest first. */
export interface ProjectRuns {
  readonly project: string;
  readonly runs: readonly RunSummary[];
  /** Folder of the pinned run; undefined for none. */
  readonly baseline: string | undefined;
}

/** The runs in the stores of this workspace, as they are on disk, whoever wrote them. */
export class RunHistory implements vscode.Disposable {
  readonly onDidChange: vscode.Event<void>;
  readonly #runs: Runs;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #refresh = new Throttle(REFRESH_INTERVAL_MS, () => this.#changed.fire());
  readonly #subscriptions: vscode.Disposable;
  /** Projects with a store, as a search has found them; searched again when that may be old. */
  #found: Promise<readonly string[]> | undefined;
  /** Runs that have ended never change, but for their notes. */
  readonly #ended = new Map<string, RunSummary>();

  constructor(runs: Runs) {
    this.#runs = runs;
    this.onDidChange = this.#changed.event;
    const watcher = vscode.workspace.createFileSystemWatcher("**/.stepscope/runs/*");
    this.#subscriptions = vscode.Disposable.from(
      this.#changed,
      this.#refresh,
      watcher,
      watcher.onDidCreate(() => this.refresh()),
      watcher.onDidDelete(() => this.refresh()),
      runs.onDidChange(() => this.#refresh.call()),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.refresh()),
    );
  }

  /** The projects of the workspace that have runs. */
  async projects(): Promise<ProjectRuns[]> {
    const { listRunFolders, summarize } = await import("../../runtime/store/list.ts");
    const { readBaseline } = await import("../../runtime/store/baseline.ts");
    return (await this.#projects()).map(project => ({
      project,
      baseline: readBaseline(project),
      runs: listRunFolders(project).flatMap(folder => this.#summary(folder, summarize) ?? []),
    }));
  }

  /** Looks for stores again, and reads the notes to these runs again. */
  refresh(...folders: string[]): void {
    this.#found = undefined;
    for (const folder of folders) this.#ended.delete(folder);
    this.#changed.fire();
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  async #projects(): Promise<string[]> {
    const { projectFolder } = await import("../../runtime/store/paths.ts");
    this.#found ??= findStores();
    // A search may leave out what settings exclude, and what is new: not so what runs here.
    const running = this.#runs.newestOfEach.map(({ script }) => projectFolder(script));
    return [...new Set([...(await this.#found), ...running])].sort((a, b) =>
      basename(a).localeCompare(basename(b)),
    );
  }

  #summary(folder: string, summarize: (folder: string) => RunSummary): RunSummary | undefined {
    const known = this.#ended.get(folder);
    if (known) return known;
    try {
      const summary = summarize(folder);
      if (summary.record.status !== "running") this.#ended.set(folder, summary);
      return summary;
    } catch {
      // `stepscope runs` tells of runs that cannot be read.
      return undefined;
    }
  }
}

async function findStores(): Promise<readonly string[]> {
  const marks = await vscode.workspace.findFiles(STORE_MARK, "**/node_modules/**");
  // Those of a virtual workspace are no files that could be read.
  const stored = marks.filter(({ scheme }) => scheme === "file");
  return stored.map(({ fsPath }) => dirname(dirname(fsPath)));
}
