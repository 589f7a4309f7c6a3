/**
 * Packages for npm: Stepscope, and beside it for each platform what is native. npm installs the one of
 * the user's platform alone, as with esbuild; the package `webgpu` has those of all, 130 MB.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { nativePackage } from "../runtime/gpu/nativePackage.ts";

const ROOT = join(import.meta.dirname, "..");
const WEBGPU = join(ROOT, "node_modules/webgpu");
const SWIFTSHADER = "dist/swiftshader";

/** A platform that Dawn is built for, in npm's words. */
interface Native {
  readonly os: NodeJS.Platform;
  readonly cpu: readonly NodeJS.Architecture[];
}

const NATIVES: readonly Native[] = [
  { os: "linux", cpu: ["x64"] },
  { os: "linux", cpu: ["arm64"] },
  { os: "darwin", cpu: ["arm64", "x64"] },
  { os: "win32", cpu: ["x64"] },
  { os: "win32", cpu: ["arm64"] },
];

/** Packs what has been built into `folder`: `stepscope-VERSION.tgz`, and one file for each platform. */
export function packForNpm(folder: string): void {
  const staged = mkdtempSync(join(tmpdir(), "stepscope-npm-"));
  try {
    packMain(staged, folder);
    for (const native of NATIVES) packNative(native, staged, folder);
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

function packMain(staged: string, folder: string): void {
  const archive = join(staged, pack(ROOT, staged));
  execFileSync("tar", ["-xzf", archive, "-C", staged]);
  const main = join(staged, "package");
  rmSync(join(main, SWIFTSHADER), { recursive: true, force: true });
  const { contributes, activationEvents, scripts, devDependencies, ...kept } = manifest;
  const { webgpu, ...dependencies } = manifest.dependencies;
  const optionalDependencies = Object.fromEntries(
    NATIVES.map(native => [nameOf(native), manifest.version]),
  );
  writeManifest(main, { ...kept, dependencies, optionalDependencies });
  pack(main, folder);
}

function packNative(native: Native, staged: string, folder: string): void {
  const name = nameOf(native);
  const target = join(staged, name);
  const dawn = join("dist", name.replace("stepscope-dawn-", ""));
  mkdirSync(target);
  for (const file of ["index.js", "LICENSE.md", dawn]) {
    cpSync(join(WEBGPU, file), join(target, file), { recursive: true });
  }
  // Without a GPU, Linux on x64 computes on the processor.
  if (name === "stepscope-dawn-linux-x64") {
    cpSync(join(ROOT, SWIFTSHADER), join(target, SWIFTSHADER), { recursive: true });
    cpSync(join(ROOT, "dist/THIRD_PARTY_LICENSES.txt"), join(target, "THIRD_PARTY_LICENSES.txt"));
  }
  const { license } = JSON.parse(readFileSync(join(WEBGPU, "package.json"), "utf8"));
  writeManifest(target, {
    name,
    version: manifest.version,
    description: "WebGPU (Dawn) for Stepscope on one platform",
    license,
    type: "module",
    exports: "./index.js",
    os: [native.os],
    cpu: native.cpu,
    ...(native.os === "linux" && { libc: ["glibc"] }),
  });
  pack(target, folder);
}

function nameOf({ os, cpu: [first = "x64"] }: Native): string {
  return nativePackage(os, first);
}

function writeManifest(folder: string, content: object): void {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(content, null, 2)}\n`);
}

/** Packs a folder, and returns the name of the archive. */
function pack(from: string, to: string): string {
  const output = execFileSync("npm", ["pack", "--ignore-scripts", "--pack-destination", to], {
    cwd: from,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return output.trim().split("\n").at(-1) ?? "";
}
