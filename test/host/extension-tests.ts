/** Runs test/extension inside VS Code, and exits as the suite does. */
import { runSuite } from "./suite.ts";

process.exitCode = await runSuite("test/extension/index.ts");
