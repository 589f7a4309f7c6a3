/**
 * The npm package that has Dawn for a platform, such as `stepscope-dawn-linux-x64`; that of macOS has both
 * of its architectures.
 */
export function nativePackage(platform: NodeJS.Platform, arch: NodeJS.Architecture): string {
  return `stepscope-dawn-${platform}-${platform === "darwin" ? "universal" : arch}`;
}
