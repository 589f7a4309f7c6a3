/** Runs inside VS Code: how long the lens of a long file takes, with a change before each request. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as vscode from "vscode";
import { SilencedFindings } from "../../../extension/code/silencedFindings.ts";
import { TrainingDocuments } from "../../../extension/code/trainingDocuments.ts";
import { TrainingLens } from "../../../extension/code/trainingLens.ts";
import { Runs } from "../../../extension/runs/runs.ts";
import { ScriptArguments } from "../../../extension/runs/scriptArguments.ts";
import { StoredRuns } from "../../../extension/runs/storedRuns.ts";
import { until } from "../../extension/suite.ts";
import { printFigures } from "./figures.ts";

const LINES = 5000;
const REQUESTS = 21;

/** ▶ Train, Debug and Find learning rate. */
const LENSES = 3;

/** Time for VS Code to come to rest between two requests, in milliseconds. */
const REST_MS = 50;

/** Six lines of a module around a loop, none of which trains. */
const helper = (name: string): string => `/** Mean of values, scaled. */
export function ${name}(values: readonly number[], scale = 1): number {
  const sum = values.reduce((total, value) => total + value * scale, 0);
  return sum / Math.max(values.length, 1);
}

`;

/** A request for the lenses of a document; their number. */
type Ask = (document: vscode.TextDocument) => Promise<number>;

/**
 * Prints milliseconds: of the provider alone, after a change and for a file that it has never seen; of
 * the same request by way of the window; and of that for a long file that does not train.
 */
export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension("stepscope.stepscope");
  if (!extension) throw new Error("The extension is not there.");
  await extension.activate();
  const loop = readFileSync(join(extension.extensionPath, "examples/digits.ts"), "utf8");
  const folder = mkdtempSync(join(tmpdir(), "stepscope-lens-"));
  const documents = new TrainingDocuments();
  const provider = lensProvider(documents, extension);
  const subscription = vscode.workspace.onDidChangeTextDocument(edit => documents.edited(edit));
  try {
    const trains = await showLongFile(join(folder, "train.ts"), loop);
    const changed = await measure(trains, LENSES, provider);
    const unseen = await measure(trains, LENSES, document => {
      documents.forget(document);
      return provider(document);
    });
    const window = await measure(trains, LENSES, throughWindow);
    const helpers = await showLongFile(join(folder, "helpers.ts"), "");
    const control = await measure(helpers, 0, throughWindow);
    await printFigures({ changed, unseen, window, control });
  } finally {
    subscription.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The provider of the extension, on its own. */
function lensProvider(
  documents: TrainingDocuments,
  { extensionPath }: { extensionPath: string },
): Ask {
  const runs = new Runs(join(extensionPath, "dist/sidecar.js"));
  const memento = { keys: () => [], get: () => undefined, update: async () => {} };
  const scriptArguments = new ScriptArguments(memento);
  const silenced = new SilencedFindings();
  const lens = new TrainingLens(documents, runs, new StoredRuns(), scriptArguments, silenced);
  return async document => (await lens.provideCodeLenses(document)).length;
}

/** The same by way of VS Code's window, as an editor asks. */
const throughWindow: Ask = async ({ uri }) => {
  const command = "vscode.executeCodeLensProvider";
  const found = await vscode.commands.executeCommand<vscode.CodeLens[]>(command, uri, LENSES);
  return found.filter(({ command }) => command?.command.startsWith("stepscope.")).length;
};

/** Shows a file of so many lines that begins with `head`. */
async function showLongFile(file: string, head: string): Promise<vscode.TextEditor> {
  let text = head;
  for (let i = 0; text.split("\n").length <= LINES; i++) text += helper(`helper${i}`);
  writeFileSync(file, text);
  return vscode.window.showTextDocument(vscode.Uri.file(file));
}

/** Milliseconds of each request after a change; throws where it has another number of lenses. */
async function measure(editor: vscode.TextEditor, expected: number, ask: Ask): Promise<number[]> {
  const { document } = editor;
  await until("the lenses", async () => (await ask(document)) === expected);
  const times: number[] = [];
  for (let i = 0; i < REQUESTS; i++) {
    await editor.edit(edit => edit.insert(new vscode.Position(0, 0), `// ${i}\n`));
    const start = performance.now();
    const found = await ask(document);
    times.push(performance.now() - start);
    if (found !== expected) throw new Error(`There are ${found} lenses instead of ${expected}.`);
    await new Promise(resolve => setTimeout(resolve, REST_MS));
  }
  await document.save();
  return times;
}
