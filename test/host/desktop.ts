/** Finds a desktop VS Code: the one installed, or the one that @vscode/test-electron downloads. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { downloadAndUnzipVSCode } from "@vscode/test-electron";

/** Version of the downloaded VS Code; the server's, see server.ts. */
const VERSION = "1.139.1";
const CACHE = join(import.meta.dirname, "../../.vscode-test");

/** Time without an answer after which a machine counts as cut off from the download. */
const DOWNLOAD_TIMEOUT = 5_000;

/** The `code` command on PATH, if there is one. */
export function installedVsCode(): string | undefined {
  const name = process.platform === "win32" ? "code.cmd" : "code";
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map(folder => join(folder, name))
    .find(isExecutable);
}

/** The VS Code for tests, downloaded once; undefined without a display or where it cannot be had. */
export async function downloadedVsCode(): Promise<string | undefined> {
  if (!hasDisplay()) return undefined;
  console.log(`Looking for VS Code ${VERSION} in .vscode-test, else downloading it …`);
  try {
    return await downloadAndUnzipVSCode({
      version: VERSION,
      cachePath: CACHE,
      timeout: DOWNLOAD_TIMEOUT,
    });
  } catch (error) {
    console.log(
      `VS Code could not be downloaded: ${error instanceof Error ? error.message : error}`,
    );
    return undefined;
  }
}

function hasDisplay(): boolean {
  if (process.platform !== "linux") return true;
  return Boolean(process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
