/** Runs inside VS Code: how long the extension takes to be loaded and activated. */
import * as vscode from "vscode";

/** Prints `activation: N ms`. Throws where the extension is missing or was active already. */
export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension("stepscope.stepscope");
  if (!extension) throw new Error("The extension is not there.");
  if (extension.isActive) throw new Error("The extension was active before it was needed.");
  const start = performance.now();
  await extension.activate();
  console.log(`activation: ${performance.now() - start} ms`);
}
