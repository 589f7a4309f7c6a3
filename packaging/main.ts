/**
 * `npm run package [-- TARGET…]`: builds for production, and packages the VSIXs of all platforms (or
 * of the targets that are named; `fallback` is that of all others) and the npm packages into packages/.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { packForNpm } from "./npm.ts";
import { FALLBACK, MEBIBYTE, TARGETS, vsixName } from "./targets.ts";
import { buildForProduction, packageVsix } from "./vsix.ts";

const ROOT = join(import.meta.dirname, "..");
const OUTPUT = join(ROOT, "packages");

const wanted = process.argv.slice(2);
const all = [...TARGETS, FALLBACK];
const names = all.map(({ name = "fallback" }) => name);
const unknown = wanted.filter(name => !names.includes(name));
if (unknown.length > 0) {
  throw new Error(`There is no target ${unknown.join(", ")}. There are: ${names.join(", ")}.`);
}

mkdirSync(OUTPUT, { recursive: true });
buildForProduction();
for (const target of all) {
  if (wanted.length > 0 && !wanted.includes(target.name ?? "fallback")) continue;
  await packageVsix(target, join(OUTPUT, vsixName(manifest.version, target)));
}
if (wanted.length === 0) packForNpm(OUTPUT);
for (const name of readdirSync(OUTPUT).sort()) {
  const bytes = readFileSync(join(OUTPUT, name));
  const hash = createHash("sha256").update(bytes).digest("hex");
  console.log(`${(bytes.length / MEBIBYTE).toFixed(2).padStart(6)} MiB  ${hash}  ${name}`);
}
