import * as vscode from "vscode";
import { PANEL_VIEW_TYPE } from "../contributed.ts";

/** Where the workspace's memory has what the panel shows, and in which session. */
const SHOWN = "panel.shown";

interface Shown {
  /** Of the window: one that is loaded anew has another. */
  readonly session: string;
  readonly runFolder: string | undefined;
}

/**
 * Panels that an extension host has left behind which crashed or was restarted: VS Code goes on
 * showing them, but nothing reaches them any more. Those of a window that was reloaded are not among
 * them: VS Code gives them back to the new host itself.
 */
export class LeftPanels implements vscode.Disposable {
  readonly #memory: vscode.Memento;
  /** Undefined where this is the first extension host of its window. */
  readonly #shown: Shown | undefined;
  #tabsChange: vscode.Disposable | undefined;

  /**
   * @param memory that of the workspace
   * @param replace shows the run that was shown; called once, when a panel of before can be seen
   */
  constructor(memory: vscode.Memento, replace: (runFolder: string | undefined) => void) {
    this.#memory = memory;
    const shown = memory.get<Shown>(SHOWN);
    if (shown?.session !== vscode.env.sessionId) return;
    this.#shown = shown;
    const replaceSeen = () => {
      if (!this.tabs.some(tab => tab.isActive)) return;
      this.dispose();
      replace(shown.runFolder);
    };
    this.#tabsChange = vscode.window.tabGroups.onDidChangeTabs(replaceSeen);
    replaceSeen();
  }

  /** Their tabs; asked for before there is a panel of this host. */
  get tabs(): readonly vscode.Tab[] {
    if (!this.#shown) return [];
    return vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.filter(isPanel));
  }

  /** Keeps what the panel shows for a host that comes after this one. */
  keep(runFolder: string | undefined): void {
    const shown: Shown = { session: vscode.env.sessionId, runFolder };
    void this.#memory.update(SHOWN, shown);
  }

  /** Looks for them no longer. */
  dispose(): void {
    this.#tabsChange?.dispose();
  }
}

function isPanel({ input }: vscode.Tab): boolean {
  // VS Code puts a name of its own before that of the extension.
  return input instanceof vscode.TabInputWebview && input.viewType.endsWith(PANEL_VIEW_TYPE);
}
