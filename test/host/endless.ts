/** The digits example as tests beside an editor train it. */
import { readFileSync, writeFileSync } from "node:fs";

/**
 * Between two steps: without a GPU, training takes the processor that the editor and its page need, and
 * a click waits for minutes.
 */
const REST = "await new Promise(resolve => setTimeout(resolve, 20));";

/** Has the digits example train until it is stopped, however fast the machine is, and rest between steps. */
export function makeEndless(digits: string): void {
  const text = readFileSync(digits, "utf8")
    .replace("epoch <= 30", "epoch <= 1_000_000")
    .replace("await optimizer.step();", `$& ${REST}`);
  writeFileSync(digits, text);
}
