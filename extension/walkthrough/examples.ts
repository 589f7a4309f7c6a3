import * as vscode from "vscode";

/** The examples that come with the extension, and the files that each consists of. */
const EXAMPLES: ReadonlyMap<string, readonly string[]> = new Map([
  ["parabola.ts", ["parabola.ts"]],
  ["two-basins.ts", ["two-basins.ts"]],
  ["saddle.ts", ["saddle.ts"]],
  ["regression.ts", ["regression.ts"]],
  ["digits.ts", ["digits.ts", "data/digits.csv.gz"]],
]);

/** Where they go to in a folder of the user's. */
const FOLDER = "stepscope-examples";

/**
 * Opens a copy of an example in the workspace, or in a folder that the user chooses where there is none.
 * A copy that is there already is opened as it is.
 *
 * @param examples the folder of the examples
 * @param name an example; the user chooses one where it is none
 */
export async function openExample(examples: vscode.Uri, name: unknown): Promise<void> {
  const example = [...EXAMPLES.keys()].find(each => each === name) ?? (await choose());
  const parent = example && (await parentFolder());
  if (!example || !parent) return;
  const folder = vscode.Uri.joinPath(parent, FOLDER);
  const script = vscode.Uri.joinPath(folder, example);
  try {
    for (const file of EXAMPLES.get(example) ?? []) {
      await copyOnce(vscode.Uri.joinPath(examples, file), vscode.Uri.joinPath(folder, file));
    }
    // Where scripts are, not over the panel.
    await vscode.window.showTextDocument(script, { viewColumn: vscode.ViewColumn.One });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(
      vscode.l10n.t("Stepscope cannot copy {0} to {1}: {2}", example, folder.fsPath, why),
    );
  }
}

function choose(): Thenable<string | undefined> {
  const placeHolder = vscode.l10n.t("A copy of it is opened");
  return vscode.window.showQuickPick([...EXAMPLES.keys()], { placeHolder });
}

/** The folder of the workspace, one of several, or any other where there is none. */
async function parentFolder(): Promise<vscode.Uri | undefined> {
  const [first, ...others] = vscode.workspace.workspaceFolders ?? [];
  const placeHolder = vscode.l10n.t("Folder for the example");
  if (others.length > 0) return (await vscode.window.showWorkspaceFolderPick({ placeHolder }))?.uri;
  if (first) return first.uri;
  const chosen = await vscode.window.showOpenDialog({
    canSelectFolders: true,
    canSelectFiles: false,
    title: placeHolder,
    openLabel: vscode.l10n.t("Copy It Here"),
  });
  return chosen?.[0];
}

/** Copies a file unless it has been. */
async function copyOnce(from: vscode.Uri, to: vscode.Uri): Promise<void> {
  try {
    await vscode.workspace.fs.copy(from, to, { overwrite: false });
  } catch (error) {
    if (!(error instanceof vscode.FileSystemError) || error.code !== "FileExists") throw error;
  }
}
