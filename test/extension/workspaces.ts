/** Workspaces of several folders, and files that are on no disk. */
import * as assert from "node:assert/strict";
import { realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as vscode from "vscode";
import { listRuns } from "../../runtime/store/list.ts";
import { lenses } from "./project.ts";
import { test, until } from "./suite.ts";

const SCRIPT = `import { nn, optim, tensor } from "stepscope";
const x = new nn.Parameter(tensor([4]));
const optimizer = new optim.SGD([x], { lr: 0.1 });
for (let i = 0; i < 5; i++) {
  const loss = x.square().sum();
  optimizer.zeroGrad();
  loss.backward();
  await optimizer.step();
}
console.log(process.cwd());
`;

test("the second folder of a workspace trains there, with runs and settings of its own", async () => {
  // The extension host may be up before the window has read the workspace's file.
  const [first, second] = await until("both folders", () => {
    const [one, two] = vscode.workspace.workspaceFolders ?? [];
    return one && two && ([one, two] as const);
  });
  assert.ok((await lenses(vscode.Uri.joinPath(first.uri, "parabola.ts"))).length > 0);

  const script = vscode.Uri.joinPath(second.uri, "train.ts");
  writeFileSync(script.fsPath, SCRIPT);
  await vscode.window.showTextDocument(script, { viewColumn: vscode.ViewColumn.One });
  assert.deepEqual(await lenses(script), []);
  const settings = vscode.workspace.getConfiguration("stepscope", script);
  const { WorkspaceFolder } = vscode.ConfigurationTarget;
  await settings.update("codeLens.enabled", undefined, WorkspaceFolder);
  await until("the lens", async () => (await lenses(script)).length > 0);

  await vscode.commands.executeCommand("stepscope.train", script);
  const run = await until("the end", () => {
    const [newest] = listRuns(second.uri.fsPath).runs;
    return newest?.record.status === "completed" && newest;
  });
  assert.equal(run.record.steps, 5);
  assert.equal(run.record.script, script.fsPath);
  assert.ok(run.folder.startsWith(join(realpathSync(second.uri.fsPath), ".stepscope")), run.folder);
  const [task] = await vscode.tasks.fetchTasks({ type: "stepscope" });
  const folder = typeof task?.scope === "object" ? task.scope.name : undefined;
  assert.deepEqual([task?.definition.file, folder], ["train.ts", second.name]);
});

test("a file that is on no disk has no lens", async () => {
  const memory = vscode.workspace.registerFileSystemProvider("memory", new OneFile(SCRIPT));
  try {
    const uri = vscode.Uri.parse("memory:/train.ts");
    await vscode.window.showTextDocument(uri);
    assert.deepEqual(await lenses(uri), []);
  } finally {
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
    memory.dispose();
  }
});

/** A file system of a virtual workspace: every path is the same file, which cannot be changed. */
class OneFile implements vscode.FileSystemProvider {
  readonly onDidChangeFile = new vscode.EventEmitter<vscode.FileChangeEvent[]>().event;
  readonly #bytes: Uint8Array;

  constructor(text: string) {
    this.#bytes = new TextEncoder().encode(text);
  }

  watch = () => new vscode.Disposable(() => {});
  stat = () => ({ type: vscode.FileType.File, ctime: 0, mtime: 0, size: this.#bytes.length });
  readFile = () => this.#bytes;
  readDirectory = () => [];
  createDirectory = refuse;
  writeFile = refuse;
  delete = refuse;
  rename = refuse;
}

function refuse(): never {
  throw vscode.FileSystemError.NoPermissions();
}
