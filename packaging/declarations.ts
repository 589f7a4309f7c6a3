/**
 * Writes dist/types: the declarations of the public API, and those that they name. The compiler writes
 * one for each file of the runtime; half of them nobody can reach.
 */
import { execFileSync } from "node:child_process";
import { globSync, rmSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const TYPES = join(ROOT, "dist/types");

rmSync(TYPES, { recursive: true, force: true });
compile("-p", "tsconfig.types.json");
const reached = new Set(
  compile(
    "--ignoreConfig",
    "--listFilesOnly",
    "--noEmit",
    "--allowImportingTsExtensions",
    "--module",
    "nodenext",
    join(TYPES, "index.d.ts"),
  ),
);
for (const file of globSync("**/*.d.ts", { cwd: TYPES })) {
  if (!reached.has(join(TYPES, file))) rmSync(join(TYPES, file));
}

/** The lines that the compiler prints. */
function compile(...options: readonly string[]): string[] {
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const output = execFileSync(process.execPath, [compiler, ...options], {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return output.split("\n");
}
