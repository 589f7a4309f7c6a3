/** Packages VSIXs. Two builds of one source have the same bytes. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVSIX } from "@vscode/vsce";
import manifest from "../package.json" with { type: "json" };
import { stage } from "./stage.ts";
import type { Target } from "./targets.ts";

const ROOT = join(import.meta.dirname, "..");

/** The time that files in a package carry, where the source does not say when it was written. */
const EPOCH = "1577836800";

/** Builds dist/ for production. */
export function buildForProduction(): void {
  for (const script of ["test/host/software-adapter.ts", "esbuild.mjs", "types"]) {
    const args =
      script === "types"
        ? ["node_modules/typescript/bin/tsc", "-p", "tsconfig.types.json"]
        : [script, ...(script === "esbuild.mjs" ? ["--production"] : [])];
    execFileSync(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  }
}

/** Packages what has been built, for a target, into `file`. */
export async function packageVsix(target: Target, file: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "stepscope-stage-"));
  process.env.SOURCE_DATE_EPOCH ??= sourceTime();
  try {
    stage(target, folder);
    await createVSIX({
      cwd: folder,
      packagePath: file,
      ...(target.name && { target: target.name }),
      allowMissingRepository: true,
      // The Marketplace takes the README's pictures from there.
      rewriteRelativeLinks: "repository" in manifest,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Seconds since 1970 of the last commit. */
function sourceTime(): string {
  try {
    return execFileSync("git", ["log", "-1", "--format=%ct"], {
      cwd: ROOT,
      encoding: "utf8",
    }).trim();
  } catch {
    return EPOCH;
  }
}
