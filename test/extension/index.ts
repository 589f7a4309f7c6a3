/** The module that VS Code runs in its extension host. */
import * as vscode from "vscode";
import "./cases.ts";
import "./debugging.ts";
import "./findings.ts";
import "./queue.ts";
import "./workspaces.ts";
import { project } from "./project.ts";
import { runTests } from "./suite.ts";

/** VS Code calls it, and takes what it throws as a failure. */
export async function run(): Promise<void> {
  try {
    await runTests();
  } finally {
    await vscode.commands.executeCommand("workbench.action.closeAllEditors");
    project[Symbol.dispose]();
  }
}
