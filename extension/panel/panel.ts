import { basename } from "node:path";
import { setImmediate } from "node:timers/promises";
import * as vscode from "vscode";
import type { RunBins } from "../../runtime/page/bins.ts";
import type { Comparison } from "../../runtime/page/comparison.ts";
import { pageHtml } from "../../runtime/page/html.ts";
import { PageFeed } from "../../runtime/page/pageFeed.ts";
import { parsePageMessage, parsePageState } from "../../runtime/page/pageMessages.ts";
import type { FromPageMessage, LookPart, ToPageMessage } from "../../runtime/protocol/page.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import type { SilencedFindings } from "../code/silencedFindings.ts";
import { Command, PANEL_VIEW_TYPE } from "../contributed.ts";
import { openSource } from "../openSource.ts";
import type { RunHistory } from "../runs/runHistory.ts";
import { RunSources } from "../runs/runSources.ts";
import type { Runs } from "../runs/runs.ts";
import type { Typing } from "../typing.ts";
import { LeftPanels } from "./leftPanels.ts";
import { savePicture } from "./savePicture.ts";

/** Where the workspace's memory has what the user has chosen to see. */
const VIEW = "panel.view";

/** What the panel shows: a run in the store, or what there is instead (yet) of a script, and why. */
export type PanelContent =
  | { readonly runFolder: string }
  | { readonly script?: string; readonly heading: string; readonly reason: string };

/**
 * The one panel beside the editor. Its page keeps nothing that the store does not have: hidden, it
 * is thrown away; shown again, it says `ready` and gets the run from the store, then what follows.
 */
export class Panel implements vscode.WebviewPanelSerializer, vscode.Disposable {
  /** Folders of the runs that the page draws together, the shown one first. */
  readonly onDidCompare: vscode.Event<readonly string[]>;
  readonly #compared = new vscode.EventEmitter<readonly string[]>();
  readonly #root: vscode.Uri;
  readonly #memory: vscode.Memento;
  readonly #runs: Runs;
  readonly #history: RunHistory;
  readonly #silenced: SilencedFindings;
  readonly #silencing: vscode.Disposable;
  readonly #typing: Typing;
  readonly #left: LeftPanels;
  #content: PanelContent = {
    heading: "",
    reason: "",
  };
  /** The script whose run, or failed start, is shown. */
  #script: string | undefined;
  #panel: vscode.WebviewPanel | undefined;
  /** What keeps the page of this moment up to date. */
  #feed: vscode.Disposable | undefined;
  #ready = false;
  /** What the page compares with the run. */
  #comparison: Comparison | undefined;
  /** Answers what the page asks of runs' steps, while it is shown. */
  #bins: RunBins | undefined;
  /** The run that is shown, as it was read. */
  #record: RunRecord | undefined;
  /** What it is to compare as soon as it shows a run. */
  #toCompare: readonly string[] | undefined;
  /** What it is to open then. */
  #toOpen: LookPart | undefined;

  /** `memory`: that of the workspace. */
  constructor(
    extensionUri: vscode.Uri,
    memory: vscode.Memento,
    runs: Runs,
    history: RunHistory,
    silenced: SilencedFindings,
    typing: Typing,
  ) {
    this.#typing = typing;
    this.#silenced = silenced;
    this.#silencing = silenced.onDidChange(folder => {
      if (folder === undefined || folder === this.shownRun) this.#postSilenced();
    });
    this.onDidCompare = this.#compared.event;
    this.#memory = memory;
    this.#root = vscode.Uri.joinPath(extensionUri, "dist", "webview");
    this.#runs = runs;
    this.#history = history;
    this.#left = new LeftPanels(memory, runFolder => void this.#replaceLeft(runFolder));
  }

  /** The folder of the run that is shown; undefined without one, or without a panel. */
  get shownRun(): string | undefined {
    return this.#panel && "runFolder" in this.#content ? this.#content.runFolder : undefined;
  }

  /** Folders of the runs that are compared with it. */
  get comparedRuns(): readonly string[] {
    return this.#toCompare ?? this.#comparison?.runFolders ?? [];
  }

  /** Shows a run, compared with these and no others. */
  compare(runFolder: string, compared: readonly string[]): void {
    this.#toCompare = compared;
    const isShown = this.shownRun === runFolder;
    this.show(isShown ? undefined : { runFolder });
    if (isShown) this.#postToCompare();
  }

  /** Opens the panel beside the editor, or brings it to the front; the editor keeps the focus. */
  show(content?: PanelContent): void {
    if (content) this.#setContent(content);
    if (this.#panel) {
      this.#panel.reveal(undefined, true);
      return;
    }
    this.#left.dispose();
    const left = this.#left.tabs;
    const viewColumn = left[0]?.group.viewColumn ?? vscode.ViewColumn.Beside;
    const column = { viewColumn, preserveFocus: true };
    this.#adopt(vscode.window.createWebviewPanel(PANEL_VIEW_TYPE, "Stepscope", column));
    if (left.length > 0) void vscode.window.tabGroups.close(left, true);
  }

  /** Shows a run, and a look at its loop. */
  look(runFolder: string, part: LookPart): void {
    this.#toOpen = part;
    const isShown = this.shownRun === runFolder;
    this.show(isShown ? undefined : { runFolder });
    // One says in it what is to be tried.
    if (part === "branches") this.#panel?.reveal();
    if (isShown) this.#postToOpen();
  }

  /** Gives the charts of a panel that is open their places back. */
  resetLayout(): void {
    if (this.#ready) this.#post({ type: "resetLayout" });
  }

  /** Changes what an open panel shows, without opening it. */
  update(content: PanelContent): void {
    if (this.#panel) this.#setContent(content);
  }

  /** Reads a run again, if it is shown. */
  refresh(runFolder: string): void {
    const content = this.#content;
    if ("runFolder" in content && content.runFolder === runFolder) this.#setContent({ runFolder });
  }

  /** Gives a panel of the window before its reload back its run. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    await this.#runs.reattached;
    // There is one panel: a run that was started meanwhile has it.
    if (this.#panel) {
      panel.dispose();
      return;
    }
    const runFolder = parsePageState(state);
    if (runFolder) this.#content = { runFolder };
    this.#adopt(panel);
  }

  /** Shows the run of a panel that hears of nothing any more in a new one. */
  async #replaceLeft(runFolder: string | undefined): Promise<void> {
    await this.#runs.reattached;
    // A run that was started meanwhile has opened a panel, and closed that of before.
    if (!this.#panel) this.show(runFolder === undefined ? undefined : { runFolder });
  }

  dispose(): void {
    this.#silencing.dispose();
    this.#left.dispose();
    this.#compared.dispose();
    this.#panel?.dispose();
  }

  #adopt(panel: vscode.WebviewPanel): void {
    this.#panel = panel;
    this.#left.keep(this.shownRun);
    this.#ready = false;
    const { webview } = panel;
    const resource = (name: string): string =>
      webview.asWebviewUri(vscode.Uri.joinPath(this.#root, name)).toString();
    panel.iconPath = vscode.Uri.joinPath(this.#root, "..", "..", "media", "icon.png");
    this.#name(this.#script);
    panel.onDidDispose(() => {
      this.#detach();
      this.#panel = undefined;
    });
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.#detach();
    });
    webview.onDidReceiveMessage((message: unknown) => this.#receive(parsePageMessage(message)));
    webview.options = { enableScripts: true, localResourceRoots: [this.#root] };
    webview.html = pageHtml({
      cspSource: webview.cspSource,
      scripts: [resource("panel.js")],
      styles: [resource("panel.css")],
      language: vscode.env.language,
      view: this.#memory.get<string>(VIEW),
    });
  }

  #setContent(content: PanelContent): void {
    this.#content = content;
    this.#left.keep(this.shownRun);
    if ("reason" in content) this.#name(content.script);
    if (this.#ready) void this.#hydrate();
  }

  #name(script: string | undefined): void {
    this.#script = script;
    if (!this.#panel) return;
    this.#panel.title = script
      ? vscode.l10n.t("Stepscope: {0}", basename(script))
      : vscode.l10n.t("Stepscope");
  }

  #receive(message: FromPageMessage | undefined): void {
    switch (message?.type) {
      case "ready":
        this.#ready = true;
        void this.#hydrate();
        break;
      case "bins":
        void this.#sendBins(message);
        break;
      case "stop":
        void this.#execute(Command.stop);
        break;
      case "control":
        if (this.#script) this.#runs.control(this.#script, message.control);
        break;
      case "compare":
        this.#comparison?.show(message.runFolders);
        if (this.shownRun) this.#compared.fire([this.shownRun, ...message.runFolders]);
        break;
      case "compareSource":
        if (this.shownRun) void RunSources.compare(message.runFolder, this.shownRun);
        break;
      case "pin":
        this.#comparison?.pin(message.runFolder);
        this.#history.refresh();
        break;
      case "histograms":
        void this.#sendHistograms(message.tensor, message.after);
        break;
      case "listRuns":
        void this.#listRuns();
        break;
      case "train":
        void this.#execute(Command.trainAgain);
        break;
      case "keepView":
        void this.#memory.update(VIEW, message.view);
        break;
      case "savePicture":
        void savePicture(message.name, message.bytes, this.#script);
        break;
      case "writeOption":
        void this.#execute(Command.writeOption, message.option);
        break;
      case "openSource":
        void openSource(message);
        break;
      case "revealFinding":
        void this.#execute(Command.revealFinding, message.id);
        break;
      case "explainFinding":
        void vscode.commands.executeCommand(Command.explainFinding, message.code);
        break;
    }
  }

  async #execute(command: string, ...args: readonly unknown[]): Promise<void> {
    if (!this.#script) return;
    await vscode.commands.executeCommand(command, vscode.Uri.file(this.#script), ...args);
  }

  /** Sends the page all that there is, then what happens. */
  async #hydrate(): Promise<void> {
    this.#feed?.dispose();
    this.#feed = undefined;
    this.#endComparison();
    const content = this.#content;
    if ("reason" in content) {
      const { heading, reason } = content;
      this.#post({ type: "empty", heading, reason });
      return;
    }
    const { readHistory } = await import("../../runtime/page/history.ts");
    const { Comparison } = await import("../../runtime/page/comparison.ts");
    if (content !== this.#content || !this.#ready || this.#feed) return;
    // From here to the first step that is read nothing may be awaited: the history ends where the
    // live messages begin.
    const run = this.#runs.in(content.runFolder);
    const live = run?.active ? run : undefined;
    const feed = new PageFeed(message => this.#post(message));
    feed.ease(this.#typing.isOn);
    const typing = this.#typing.onDidChange(() => feed.ease(this.#typing.isOn));
    const subscription = vscode.Disposable.from(feed, typing, ...(live ? [live.listen(feed)] : []));
    this.#feed = subscription;
    this.#comparison = new Comparison(content.runFolder, message => this.#post(message));
    try {
      for (const message of readHistory(content.runFolder, live?.received)) {
        if (this.#feed !== subscription) return;
        if (message.type === "hydrate") this.#name(message.run.script);
        this.#post(message);
        if (message.type === "hydrate") {
          this.#record = message.run;
          this.#postSilenced();
          this.#postToCompare();
          this.#postToOpen();
        }
        await setImmediate();
      }
      if (this.#feed === subscription) feed.start();
    } catch (error) {
      subscription.dispose();
      const heading = vscode.l10n.t("This run cannot be read");
      const empty = { type: "empty", heading, reason: text(error) } as const;
      // A script that does not compile leaves no run behind, but it has said why.
      this.#post(run?.record.error ? { ...empty, run: run.record } : empty);
    }
  }

  /** Says which findings of the run that is shown are not to be. */
  #postSilenced(): void {
    const folder = this.shownRun;
    const record = folder && (this.#runs.in(folder)?.record ?? this.#record);
    if (!this.#ready || !record) return;
    const findings = this.#silenced.idsOf({ folder, script: record.script, record });
    this.#post({ type: "silenced", findings });
  }

  async #sendHistograms(tensor: number, after: number): Promise<void> {
    const folder = this.shownRun;
    const { readHistograms } = await import("../../runtime/page/history.ts");
    if (!folder || folder !== this.shownRun) return;
    try {
      this.#post(readHistograms(folder, tensor, after));
    } catch {
      // The run was deleted: there is nothing to show.
    }
  }

  async #sendBins(message: Extract<FromPageMessage, { type: "bins" }>): Promise<void> {
    const { runFolder = this.shownRun } = message;
    if (runFolder === undefined) return;
    if (runFolder !== this.shownRun && !this.#comparison?.has(runFolder)) return;
    const { RunBins } = await import("../../runtime/page/bins.ts");
    this.#bins ??= new RunBins(logs => this.#post({ type: "logs", logs }));
    const answer = await this.#bins.answer(runFolder, message);
    if (answer) this.#post(answer);
  }

  #postToCompare(): void {
    if (!this.#ready || !this.#toCompare) return;
    this.#post({ type: "compare", runFolders: this.#toCompare });
    this.#toCompare = undefined;
  }

  #postToOpen(): void {
    if (!this.#ready || !this.#toOpen) return;
    this.#post({ type: "open", part: this.#toOpen });
    this.#toOpen = undefined;
  }

  async #listRuns(): Promise<void> {
    const { runChoice } = await import("../../runtime/page/comparison.ts");
    const projects = await this.#history.projects();
    const runs = projects
      .flatMap(project => project.runs)
      .map(({ folder, record, notes }) => runChoice(folder, record, notes.name));
    this.#post({ type: "runs", runs });
  }

  /** The page is gone, or will be: there is nobody to send anything to. */
  #detach(): void {
    this.#ready = false;
    this.#endComparison();
    this.#feed?.dispose();
    this.#feed = undefined;
  }

  #endComparison(): void {
    this.#comparison?.dispose();
    this.#comparison = undefined;
    this.#bins?.dispose();
    this.#bins = undefined;
  }

  #post(message: ToPageMessage): void {
    void this.#panel?.webview.postMessage(message);
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
