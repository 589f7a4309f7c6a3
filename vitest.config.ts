import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/**
 * What Node has compiled, for the processes that tests start: sidecars and commands run the sources, and half
 * of what a short run costs is that they are read.
 */
const compileCache = fileURLToPath(new URL("node_modules/.cache/node", import.meta.url));

const alias = { stepscope: fileURLToPath(new URL("runtime/index.ts", import.meta.url)) };

/** One after the other. Of those with a VS Code and a browser one file at a time: they need every core of a small machine. */
const projects = ["unit", "gpu", "e2e"].map((name, groupOrder) => ({
  resolve: { alias },
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    pool: "forks" as const,
    sequence: { groupOrder },
    maxWorkers: name === "e2e" ? 1 : 2,
    // Unit tests leave nothing behind, and starting a process for each file took half of their time.
    isolate: name !== "unit",
    // Tests leave nothing in the user's cache, and do not depend on it.
    env: { STEPSCOPE_CACHE: "", NODE_COMPILE_CACHE: compileCache },
    testTimeout: name === "unit" ? 30_000 : 300_000,
    hookTimeout: 300_000,
  },
}));

export default defineConfig({ test: { projects } });
