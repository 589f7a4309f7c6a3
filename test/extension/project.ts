import * as assert from "node:assert/strict";
import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as vscode from "vscode";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { listRuns } from "../../runtime/store/list.ts";
import { makeEndless } from "../host/endless.ts";
import { until } from "./suite.ts";

/** A script that takes steps until somebody stops it, and leaves the editor some of the machine. */
export const ENDLESS = `import { nn, optim, randn } from "stepscope";
const model = new nn.Linear(4, 1);
const optimizer = new optim.SGD(model.parameters(), { lr: 1e-3 });
while (true) {
  optimizer.zeroGrad();
  const loss = model.forward(randn(8, 4)).mul(1e-3).sum();
  loss.backward();
  await optimizer.step();
  await new Promise(resolve => setTimeout(resolve, 20));
}
`;

/**
 * A project of a user in a folder of its own: the examples, and nothing installed. digits.ts trains
 * until it is stopped: on a fast engine beside a slow editor it would end before that.
 */
class Project implements Disposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "stepscope-extension-")));

  /** `examples`: the folder of the examples. */
  constructor(examples: string) {
    cpSync(examples, this.folder, { recursive: true });
    writeFileSync(join(this.folder, "package.json"), JSON.stringify({ type: "module" }));
    makeEndless(join(this.folder, "digits.ts"));
  }

  uri(name: string): vscode.Uri {
    return vscode.Uri.file(join(this.folder, name));
  }

  /** Writes a file. */
  put(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** Writes a file and shows it. */
  async write(name: string, text: string): Promise<vscode.TextEditor> {
    this.put(name, text);
    return this.show(name);
  }

  async show(name: string): Promise<vscode.TextEditor> {
    return vscode.window.showTextDocument(this.uri(name), { viewColumn: vscode.ViewColumn.One });
  }

  /** The runs of a script in the store, the newest first. */
  runs(name: string): RunRecord[] {
    const script = this.uri(name).fsPath;
    return listRuns(this.folder)
      .runs.map(({ record }) => record)
      .filter(record => record.script === script);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const found = vscode.extensions.getExtension("stepscope.stepscope");
assert.ok(found, "VS Code does not know the extension");

/** The extension under test. */
export const extension = found;

export const project = new Project(join(extension.extensionPath, "examples"));

/** The lenses of a file: title and line, counted from 1. */
export async function lenses(uri: vscode.Uri): Promise<{ title: string; line: number }[]> {
  // VS Code refuses to ask for the lenses of a document that is not open, or not yet.
  await vscode.workspace.openTextDocument(uri);
  const found = await vscode.commands.executeCommand<vscode.CodeLens[]>(
    "vscode.executeCodeLensProvider",
    uri,
    100,
  );
  return found
    .filter(({ command }) => command?.command.startsWith("stepscope."))
    .map(({ command, range }) => ({ title: command?.title ?? "", line: range.start.line + 1 }));
}

/** Waits until one of a file's lenses has this title; returns all titles. */
export async function lensTitled(uri: vscode.Uri, title: RegExp | string): Promise<string[]> {
  return until(`the lens ${title}`, async () => {
    const titles = (await lenses(uri)).map(lens => lens.title);
    const found = titles.some(each =>
      title instanceof RegExp ? title.test(each) : each === title,
    );
    return found && titles;
  });
}

/** True while a process lives. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
