import { homedir } from "node:os";
import * as vscode from "vscode";
import type { RefusedNode } from "../../runtime/client/node.ts";
import { SECTION, Setting } from "../contributed.ts";

/**
 * The Node that runs a script: the one of the settings, else one that is found.
 *
 * @throws Error that says what was found instead, and what to do
 */
export async function nodeForScript(script: string): Promise<string> {
  const { findNode, MINIMUM_NODE, NodeNotFoundError } = await import(
    "../../runtime/client/node.ts"
  );
  try {
    return await findNode(chosenNode(script));
  } catch (error) {
    if (!(error instanceof NodeNotFoundError)) throw error;
    const need = vscode.l10n.t(
      "Training needs Node.js {0} or newer. Install it from https://nodejs.org, or set stepscope.nodePath.",
      MINIMUM_NODE,
    );
    throw new Error([need, ...error.refused.map(explain)].join(" "), { cause: error });
  }
}

/** The path in the settings, with `~` and `${env:NAME}` replaced. */
function chosenNode(script: string): string | undefined {
  const settings = vscode.workspace.getConfiguration(SECTION, vscode.Uri.file(script));
  const path = settings
    .get<string>(Setting.nodePath, "")
    .trim()
    .replace(/^~(?=[\\/]|$)/, homedir())
    .replace(/\$\{env:(\w+)\}/g, (_, name: string) => process.env[name] ?? "");
  return path || undefined;
}

function explain({ path, version }: RefusedNode): string {
  if (version) return vscode.l10n.t("{0} is version {1}.", path, version);
  return vscode.l10n.t("{0} is no Node.", path);
}
