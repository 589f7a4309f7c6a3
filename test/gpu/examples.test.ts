/** The examples that a newcomer runs first do what they say, under plain Node. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** Resolves the package to its source: a build is not needed. */
const RESOLVE_STEPSCOPE = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  const source = ${JSON.stringify(new URL("../../runtime/index.ts", import.meta.url).href)};
  registerHooks({
    resolve: (name, context, next) => next(name === "stepscope" ? source : name, context),
  });`)}`;

/** Runs an example until its process ends by itself, and returns the lines that it printed. */
async function run(name: string, ...args: string[]): Promise<string[]> {
  const file = fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));
  const flags = ["--import", RESOLVE_STEPSCOPE, file, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, flags);
  return stdout.trim().split("\n");
}

test("digits reads at least 97 % of images that it has not seen", async () => {
  const lines = await run("digits");
  expect(lines.length).toBeLessThanOrEqual(30);
  const percent = /^epoch \d+: ([\d.]+) % of the test images read correctly$/;
  const accuracies = lines.map(line => Number(percent.exec(line)?.[1]));
  expect(accuracies.at(-1)).toBeGreaterThanOrEqual(97);
});

test("convnet learns from the first images on", async () => {
  const lines = await run("convnet", "--epochs", "2");
  const [, percent] =
    /^epoch 2: ([\d.]+) % of the test images read correctly$/.exec(lines[1] ?? "") ?? [];
  expect(Number(percent)).toBeGreaterThanOrEqual(85);
});

test("regression finds the curve beneath the noise", async () => {
  const lines = await run("regression");
  const distance = /^the network is ([\d.]+) from the curve on average$/.exec(lines.at(-1) ?? "");
  expect(Number(distance?.[1])).toBeLessThan(0.08);
});

test("rnn learns to remember", async () => {
  const lines = await run("rnn", "--length", "6", "--steps", "150");
  const losses = lines.map(line => Number(/^step \d+: loss ([\d.]+)$/.exec(line)?.[1]));
  expect(losses.length).toBe(3);
  expect(losses.at(-1)).toBeLessThan(0.05);
});

test("char-gpt learns which letters follow each other, and writes some", async () => {
  const small = ["--layers", "1", "--width", "32", "--length", "16", "--batch", "8"];
  const lines = await run("char-gpt", ...small, "--steps", "100", "--sample", "12");
  expect(lines[0]).toMatch(/^\d+ parameters, \d+ letters$/);
  // Letters drawn by how frequent they are have a loss of 3.3; all alike, of 4.6.
  expect(Number(/^step 100: loss ([\d.]+)$/.exec(lines[1] ?? "")?.[1])).toBeLessThan(3.1);
  expect(lines.slice(2).join("\n")).toMatch(/^\/\*-/);
});

test("finetune-lora learns prose with adapters alone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stepscope-lora-"));
  const out = join(folder, "adapters.safetensors");
  const small = ["--layers", "1", "--width", "32", "--length", "16", "--batch", "8"];
  const lines = await run("finetune-lora", ...small, "--steps", "40", "--out", out);
  expect(lines[2]).toBe("2048 parameters of 4 adapters learn prose");
  const [declarations, prose, merged] = [1, 3, 5].map(line => lines[line]?.split(": ")[1]);
  const losses = [declarations, prose].map(text =>
    Number(/readme ([\d.]+)$/.exec(text ?? "")?.[1]),
  );
  expect(losses[1]).toBeLessThan(losses[0] ?? 0);
  expect(merged).toBe(prose);
  const file = readFileSync(out);
  expect(file.length - 8 - Number(file.readBigUInt64LE())).toBe(2048 * 4);
  expect(lines[4]).toBe(`${out}: ${file.length} bytes`);
  rmSync(folder, { recursive: true });
});

test.each([0.01, 0.1, 0.5, 0.9, 1.02])("parabola with learning rate %d", async lr => {
  const [line = ""] = await run("parabola", "--lr", String(lr));
  const x = Number(/^lr [\d.]+: after 50 steps x is (\S+)$/.exec(line)?.[1]);
  // Each step multiplies x by 1 − 2 lr.
  const expected = 4 * (1 - 2 * lr) ** 50;
  expect(Math.abs(x - expected)).toBeLessThan(1e-4 * Math.abs(expected) + 1e-6);
});

test("two-basins stays in its basin without noise, and leaves it by a long step or by noise", async () => {
  const ends = await Promise.all(
    [[], ["--lr", "0.15"], ["--noise", "2.5"]].map(async flags => {
      const [line = ""] = await run("two-basins", ...flags);
      return Number(/after 200 steps x is (\S+), in the (left|right) basin$/.exec(line)?.[1]);
    }),
  );
  // Where 4 x (x² − 1) + 0.3 is 0.
  expect(ends[0]).toBeCloseTo(0.9601, 4);
  expect(ends[1]).toBeCloseTo(-1.0356, 4);
  expect(ends[2]).toBeLessThan(-0.2);
});

test("saddle rests on the saddle point without noise, and leaves it with some", async () => {
  const ends = await Promise.all(
    [[], ["--noise", "0.01"]].map(async flags => {
      const [line = ""] = await run("saddle", ...flags);
      return /the point is \((\S+), (\S+)\)$/.exec(line)?.slice(1).map(Number);
    }),
  );
  expect(ends[0]?.[0]).toBeCloseTo(0, 6);
  expect(ends[0]?.[1]).toBe(0);
  expect(Math.abs(ends[1]?.[1] ?? 0)).toBeCloseTo(1, 1);
});

test("parabola refuses a learning rate that is none", async () => {
  await expect(run("parabola", "--lr", "fast")).rejects.toThrow("Invalid learning rate: NaN");
});
