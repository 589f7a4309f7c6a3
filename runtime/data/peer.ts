import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/**
 * Loads a package that only some scripts need, from the project of the script or from beside the engine.
 * @param module within the package, or the package itself
 * @throws Error that says what to install, if it is not there.
 */
export async function loadPeer(module: string, purpose: string): Promise<unknown> {
  for (const from of [process.argv[1], import.meta.url]) {
    const found = from && resolve(module, from);
    if (found) return import(pathToFileURL(found).href);
  }
  const [name] = module.split("/");
  throw new Error(
    `${purpose} needs the package ${name}, which is not installed: npm install ${name}`,
  );
}

function resolve(module: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(module);
  } catch {
    return undefined;
  }
}
