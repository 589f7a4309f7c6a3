/** Lays out what goes into a package for a platform: what .vscodeignore lets in, and what is native. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { listFiles, PackageManager } from "@vscode/vsce";
import type { Target } from "./targets.ts";

const ROOT = join(import.meta.dirname, "..");
const CACHE = join(ROOT, ".vscode-test/packages");

/** Modules that every platform gets; what else it gets stands in .vscodeignore. */
const MODULES = ["node_modules/stepscope-typescript/{index.js,package.json}"];

/** What the engine needs besides, on a platform that has one. */
const ENGINE = [
  "node_modules/webgpu/LICENSE.md",
  "node_modules/webgpu/index.js",
  "node_modules/esbuild/LICENSE.md",
  "node_modules/esbuild/lib/main.js",
];

/** The plugin of the TypeScript server, which VS Code looks for among the package's dependencies. */
const PLUGIN = { "stepscope-typescript": "*" };

/**
 * Copies the files for a target into an empty folder. `dist` has been built for production.
 *
 * @throws where a file that must be there is missing, or the compiler for the platform cannot be had
 */
export async function stage(target: Target, folder: string): Promise<void> {
  const { dawn, esbuild, software } = target;
  const common = await listFiles({ cwd: ROOT, packageManager: PackageManager.None });
  for (const file of [...common, ...MODULES]) copy(ROOT, folder, file);
  if (dawn && esbuild) {
    for (const file of ENGINE) copy(ROOT, folder, file);
    copy(ROOT, folder, `node_modules/webgpu/dist/${dawn}/*`);
    const compiler = compilerFolder(esbuild.name);
    for (const file of ["package.json", esbuild.binary]) {
      copy(compiler, join(folder, "node_modules", esbuild.name), file);
    }
    for (const name of ["webgpu", "esbuild"]) writeManifest(folder, `node_modules/${name}`);
  }
  if (software) copy(ROOT, folder, "dist/swiftshader/*");
  writeManifest(folder, ".");
}

function copy(from: string, to: string, pattern: string): void {
  const files = globSync(pattern, { cwd: from }).sort();
  const isOptional = pattern.includes("*");
  if (files.length === 0 && !isOptional) throw new Error(`${join(from, pattern)} is missing.`);
  for (const file of files) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(from, file), join(to, file));
  }
}

/** A manifest without what is for developers, and without packages that are not in the package. */
function writeManifest(folder: string, path: string): void {
  const manifest = JSON.parse(readFileSync(join(ROOT, path, "package.json"), "utf8"));
  for (const key of ["scripts", "devDependencies", "optionalDependencies", "allowScripts"]) {
    delete manifest[key];
  }
  const wanted = { ...manifest.dependencies, ...(path === "." && PLUGIN) };
  const present = Object.entries(wanted).filter(([name]) =>
    existsSync(join(folder, "node_modules", name)),
  );
  manifest.dependencies = Object.fromEntries(present);
  const file = join(folder, path, "package.json");
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The package of the compiler's binary: the one that is installed, else npm's, fetched once. */
function compilerFolder(name: string): string {
  const installed = join(ROOT, "node_modules", name);
  if (existsSync(installed)) return installed;
  const { version } = JSON.parse(
    readFileSync(join(ROOT, "node_modules/esbuild/package.json"), "utf8"),
  ) as { version: string };
  const folder = join(CACHE, `${name.replace("/", "-")}-${version}`);
  if (existsSync(folder)) return join(folder, "package");
  const packed = join(CACHE, "packed");
  mkdirSync(packed, { recursive: true });
  const output = execFileSync(
    "npm",
    ["pack", `${name}@${version}`, "--json", "--pack-destination", packed],
    { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
  );
  const [{ filename }] = JSON.parse(output) as [{ filename: string }];
  mkdirSync(folder, { recursive: true });
  execFileSync("tar", ["-xzf", join(packed, filename), "-C", folder]);
  return join(folder, "package");
}
