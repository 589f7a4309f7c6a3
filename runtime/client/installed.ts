/** The stepscope that a project has installed. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * The sidecar of the `stepscope` that a script's project has in its node_modules, also in those of
 * the folders above, where package managers put what several packages share; undefined without one.
 * The handshake says whether it speaks our protocol.
 */
export function installedSidecar(script: string): string | undefined {
  return installed(script, "sidecar.js");
}

/** The command line of that `stepscope`, which starts its sidecar. */
export function installedCommand(script: string): string | undefined {
  return installed(script, "stepscope.js");
}

function installed(script: string, entry: string): string | undefined {
  try {
    const manifest = createRequire(script).resolve("stepscope/package.json");
    const file = join(dirname(manifest), "dist", entry);
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}
