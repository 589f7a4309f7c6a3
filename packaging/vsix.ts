/** Packages VSIXs. Two builds of one source have the same bytes. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVSIX } from "@vscode/vsce";
import manifest from "../package.json" with { type: "json" };
import { compress } from "./compress.ts";
import { stage } from "./stage.ts";
import { MEBIBYTE, type Target } from "./targets.ts";

const ROOT = join(import.meta.dirname, "..");

/** The time that files in a package carry, where the source does not say when it was written. */
const EPOCH = "1577836800";

/** Builds dist/ for production. */
export function buildForProduction(): void {
  for (const args of [
    ["test/host/software-adapter.ts"],
    ["esbuild.mjs", "--production"],
    ["packaging/declarations.ts"],
  ]) {
    execFileSync(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  }
}

/**
 * Packages what has been built, for a target, into `file`.
 *
 * @throws where it is larger than its users were promised
 */
export async function packageVsix(target: Target, file: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "stepscope-stage-"));
  const loose = `${folder}.vsix`;
  process.env.SOURCE_DATE_EPOCH ??= sourceTime();
  try {
    await stage(target, folder);
    // All that was laid out goes into the package: without the file vsce doubts it.
    writeFileSync(join(folder, ".vscodeignore"), "");
    await createVSIX({
      cwd: folder,
      packagePath: loose,
      ...(target.name && { target: target.name }),
      allowMissingRepository: true,
      // The Marketplace takes the README's pictures from there.
      rewriteRelativeLinks: "repository" in manifest,
    });
    await compress(loose, file);
  } finally {
    for (const each of [folder, loose]) rmSync(each, { recursive: true, force: true });
  }
  const size = statSync(file).size / MEBIBYTE;
  if (size > target.largest) {
    throw new Error(`${file} has ${size.toFixed(2)} MiB; at most ${target.largest} are allowed.`);
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
