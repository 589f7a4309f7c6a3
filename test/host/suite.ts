/** Runs a module inside VS Code: bundled, in a desktop VS Code or in a server and a browser. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Writable } from "node:stream";
import { runTests } from "@vscode/test-electron";
import { build } from "esbuild";
import { downloadedVsCode } from "./desktop.ts";

const ROOT = join(import.meta.dirname, "../..");

export interface SuiteOptions {
  /** Where what the module prints goes. */
  readonly output?: Writable;
  /** Folder of the extension in development mode: this one, unless another is given. */
  readonly extension?: string;
  /** What the window shows, a folder or a `.code-workspace`: examples/ unless given. */
  readonly workspace?: string;
}

/**
 * Runs the exported `run()` of a module (path from the root) in the extension host of a fresh VS Code.
 * Returns the exit code: 0 unless `run()` threw. The desktop VS Code is taken where there is a display
 * and a download, else the server from npm with a headless browser.
 */
export async function runSuite(
  module: string,
  {
    output = process.stdout,
    extension = ROOT,
    workspace = join(ROOT, "examples"),
  }: SuiteOptions = {},
): Promise<number> {
  const bundle = join(ROOT, ".vscode-test/suites", `${basename(module, ".ts")}.cjs`);
  await build({
    absWorkingDir: ROOT,
    entryPoints: [module],
    outfile: bundle,
    bundle: true,
    sourcemap: "inline",
    format: "cjs",
    platform: "node",
    target: "node22",
    external: ["vscode"],
    logLevel: "warning",
  });
  const vscode = (await downloadedVsCode()) ?? join(import.meta.dirname, "vscode-in-browser.ts");
  const userData = await mkdtemp(join(tmpdir(), "stepscope-test-profile-"));
  try {
    return await runTests({
      vscodeExecutablePath: vscode,
      extensionDevelopmentPath: extension,
      extensionTestsPath: bundle,
      launchArgs: [workspace, "--disable-extensions", `--user-data-dir=${userData}`],
      stdout: output,
    });
  } catch (error) {
    // `runTests` throws where the module failed; what failed has been printed already.
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await rm(userData, { recursive: true, force: true });
  }
}
