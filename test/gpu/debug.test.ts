/** STEPSCOPE_DEBUG prints the stages of compilation. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ENTRY = new URL("../../runtime/index.ts", import.meta.url).href;
const SCRIPT = `
  const { tensor } = await import(${JSON.stringify(ENTRY)});
  console.log(await tensor([[1, 2], [3, 4]]).amax(1).sum().item());
  process.exit(0);`;

/** What a script prints beside its own output. */
async function stderrOf(stages: string): Promise<string> {
  const flags = ["--input-type=module", "--eval", SCRIPT];
  const env = { ...process.env, STEPSCOPE_DEBUG: stages };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, flags, { env });
  expect(stdout).toBe("6\n");
  return stderr;
}

test("graph, plan and wgsl", async () => {
  const text = await stderrOf("graph,plan,wgsl");
  expect(text).toMatch(/stepscope: graph of \d+ operations\n/);
  expect(text).toMatch(/\d+ forward max \[2, 1\] float32 ← \d+\n/);
  expect(text).toMatch(
    /stepscope: plan of \d+ dispatches, \d+ bytes of the arena, compiled in \d+ ms\n/,
  );
  expect(text).toMatch(/ {3}1 @group\(0\) @binding\(0\)/);
});

test("nothing, unless it is asked for", async () => {
  expect(await stderrOf("")).toBe("");
});

test("a word that is no stage is refused", async () => {
  await expect(stderrOf("kernels")).rejects.toThrow(
    'STEPSCOPE_DEBUG: "kernels" is no stage; use graph, plan, wgsl',
  );
});
