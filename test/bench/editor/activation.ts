/** Runs inside VS Code: how long the extension under test takes to be loaded and activated. */
import * as vscode from "vscode";
import { until } from "../../extension/suite.ts";
import { printFigures } from "./figures.ts";

/** Ids of the extensions that may be under test: the product, and the empty one as its control. */
const UNDER_TEST = ["stepscope.stepscope", "stepscope-bench.empty"];

/**
 * Prints the milliseconds that VS Code reports: loading the code, the call of `activate`, and what it
 * waits for. Throws where the extension is missing, or was active before it was needed.
 */
export async function run(): Promise<void> {
  const extension = UNDER_TEST.map(id => vscode.extensions.getExtension(id)).find(Boolean);
  if (!extension) throw new Error("The extension is not there.");
  if (extension.isActive) throw new Error("The extension was active before it was needed.");
  await extension.activate();
  await vscode.commands.executeCommand("perfview.show");
  const activation = await until("the report", () => reported(extension.id));
  await printFigures({ activation });
}

/** The row of an extension in VS Code's own report, "Developer: Startup Performance". */
function reported(id: string): number[] | undefined {
  const report = vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === "perf");
  const row = report?.getText().match(new RegExp(`^\\| ${id} .*$`, "m"))?.[0];
  const [, , , load, call, finish] = row?.split("|") ?? [];
  return row === undefined ? undefined : [Number(load), Number(call), Number(finish)];
}
