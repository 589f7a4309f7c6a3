import { join } from "node:path";
import { createVSIX } from "@vscode/vsce";

/** Builds for production and packages the VSIX for Linux x64 into `file`, as `npm run package` does. */
export async function packageVsix(file: string): Promise<void> {
  await createVSIX({
    cwd: join(import.meta.dirname, "../.."),
    packagePath: file,
    target: "linux-x64",
    allowMissingRepository: true,
    rewriteRelativeLinks: false,
  });
}
