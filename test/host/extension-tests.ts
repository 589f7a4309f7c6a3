/** Runs test/extension inside VS Code, on a workspace of two folders, and exits as the suite does. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runSuite } from "./suite.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");

const folder = mkdtempSync(join(tmpdir(), "stepscope-workspace-"));
try {
  // Beside the examples a project with settings of its own.
  const second = join(folder, "second");
  mkdirSync(join(second, ".vscode"), { recursive: true });
  writeFileSync(join(second, "package.json"), JSON.stringify({ type: "module" }));
  const settings = { "stepscope.codeLens.enabled": false };
  writeFileSync(join(second, ".vscode/settings.json"), JSON.stringify(settings));
  const workspace = join(folder, "two.code-workspace");
  writeFileSync(workspace, JSON.stringify({ folders: [{ path: EXAMPLES }, { path: second }] }));
  process.exitCode = await runSuite("test/extension/index.ts", { workspace });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
