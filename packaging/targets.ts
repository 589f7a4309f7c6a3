/** The packages that are built: one for each platform, and one for all others. */

/** Where Dawn's binary and the compiler's for a platform lie in their npm packages. */
export interface Target {
  /** VS Code's name of the platform; missing for the package of all other platforms. */
  readonly name?: string;
  /** Folder below node_modules/webgpu/dist. */
  readonly dawn?: string;
  /** The package of esbuild's binary, and the file in it. */
  readonly esbuild?: { readonly name: string; readonly binary: string };
  /** It carries SwiftShader. */
  readonly software?: boolean;
  /** MiB that its package may have. */
  readonly largest: number;
}

export const MEBIBYTE = 2 ** 20;

function target(name: string, dawn = name): Target {
  const binary = name.startsWith("win32") ? "esbuild.exe" : "bin/esbuild";
  const software = name === "linux-x64";
  const largest = software ? 15 : 20;
  return { name, dawn, esbuild: { name: `@esbuild/${name}`, binary }, software, largest };
}

/** Platforms with a WebGPU of their own. */
export const TARGETS: readonly Target[] = [
  target("linux-x64"),
  target("linux-arm64"),
  target("darwin-arm64", "darwin-universal"),
  target("darwin-x64", "darwin-universal"),
  target("win32-x64"),
  target("win32-arm64"),
];

/** For every other platform: it shows runs, and says why it cannot train. */
export const FALLBACK: Target = { largest: 2 };

/** `stepscope-0.1.0-linux-x64.vsix` */
export function vsixName(version: string, { name }: Target): string {
  return ["stepscope", version, ...(name ? [name] : [])].join("-").concat(".vsix");
}
