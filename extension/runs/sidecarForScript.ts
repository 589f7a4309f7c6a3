import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import * as vscode from "vscode";

/** What runs a script. */
export interface Sidecar {
  readonly path: string;
  /** It belongs to the script's project, which may be older or newer than the extension. */
  readonly installed: boolean;
}

/**
 * The sidecar of the stepscope that the script's project has installed, else that of the extension.
 *
 * @param bundled the extension's own
 * @throws Error where the package for this platform has no WebGPU in it
 */
export async function sidecarForScript(script: string, bundled: string): Promise<Sidecar> {
  const { installedSidecar } = await import("../../runtime/client/installed.ts");
  const installed = installedSidecar(script);
  if (installed) return { path: installed, installed: true };
  if (existsSync(join(dirname(bundled), "..", "node_modules", "webgpu"))) {
    return { path: bundled, installed: false };
  }
  throw new Error(
    vscode.l10n.t(
      "Stepscope can show runs here, but not train: there is no WebGPU (Dawn) for {0}-{1}. It exists for Linux x64 and arm64 (glibc), macOS, and Windows x64 and arm64.",
      process.platform,
      process.arch,
    ),
  );
}

/** Says of an error that the stepscope of the project had a part in it. */
export function withInstalled(error: unknown, { path, installed }: Sidecar): unknown {
  if (!installed || !(error instanceof Error)) return error;
  const folder = dirname(dirname(path));
  const message = vscode.l10n.t(
    "{0}\nTraining used the stepscope of this project, {1}. Update it, or the extension, if they do not fit.",
    error.message,
    folder,
  );
  return new Error(message, { cause: error });
}
