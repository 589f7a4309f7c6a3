/**
 * `npm run bench [-- --write]`: measures the product as its users meet it and prints a table; with
 * `--write` the table goes into the README, with the machine that it was measured on.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { FALLBACK, TARGETS } from "../../packaging/targets.ts";
import { buildForProduction, packageVsix } from "../../packaging/vsix.ts";
import { measureActivation } from "./editor/measure.ts";
import { measureFirstPoint } from "./first-point.ts";
import { type Measurement, table } from "./table.ts";

const ROOT = join(import.meta.dirname, "../..");
const README = join(ROOT, "README.md");
const SECTION = /(<!-- bench -->\n)[\s\S]*?(<!-- \/bench -->)/;
const MEBIBYTE = 2 ** 20;

interface Training {
  /** Steps a second over the whole run, first step to last. */
  readonly rate: number;
  /** Seconds from the start of the process to its end. */
  readonly seconds: number;
  readonly adapter: string;
}

/** Processes that wanted a core in the last minute: other work makes every figure worse. */
const load = loadavg()[0] ?? 0;
const trainings = [await train(), await train(), await train()];
const [cold, ...warm] = await measureFirstPoint(6);
const measurements: Measurement[] = [
  {
    what: "Click on ▶ Train to the first point on the chart, warm",
    unit: "ms",
    samples: warm,
    goal: "≤ 1500 ms",
  },
  { what: "the same, first run of a window", unit: "ms", samples: [cold ?? NaN], goal: "" },
  {
    what: "Extension: load and activate, as VS Code reports it",
    unit: "ms",
    samples: [await activated(), await activated(), await activated()],
    goal: "≤ 60 ms",
  },
  {
    what: "digits.ts: steps a second",
    unit: "/s",
    samples: trainings.map(({ rate }) => rate),
    goal: "",
  },
  {
    what: "digits.ts: 30 epochs",
    unit: "s",
    samples: trainings.map(({ seconds }) => seconds),
    goal: "≤ 60 s",
  },
  { what: "VSIX for Linux x64", unit: "MiB", samples: [await packageSize()], goal: "≤ 15 MiB" },
];
const machine =
  `${cpus()[0]?.model ?? "processor unknown"}, ${cpus().length} cores, Node ${process.version}; ` +
  `WebGPU adapter: ${trainings[0]?.adapter}; load before the start: ${load.toFixed(1)}.`;
const report = `${table(measurements)}\n\n${machine}\n`;
console.log(`\n${report}`);
if (process.argv.includes("--write")) {
  const text = readFileSync(README, "utf8");
  writeFileSync(
    README,
    text.replace(SECTION, (_, begin, end) => `${begin}${report}${end}`),
  );
}

/** Trains examples/digits.ts from the command line and reads its steps. */
async function train(): Promise<Training> {
  const start = performance.now();
  const args = [join(ROOT, "dist/stepscope.js"), "train", "examples/digits.ts", "--json"];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] });
  let adapter = "unknown";
  let [steps, milliseconds] = [0, 0];
  for await (const line of createInterface(child.stdout)) {
    const object: unknown = JSON.parse(line);
    if (isRun(object)) adapter = object.adapter.description;
    if (isStep(object) && steps++ > 0) milliseconds += object.ms.step;
  }
  if (child.exitCode) throw new Error(`digits.ts failed with exit code ${child.exitCode}`);
  return {
    rate: ((steps - 1) / milliseconds) * 1000,
    seconds: (performance.now() - start) / 1000,
    adapter,
  };
}

function isRun(value: unknown): value is { adapter: { description: string } } {
  return isType(value, "run");
}

function isStep(value: unknown): value is { ms: { step: number } } {
  return isType(value, "step");
}

function isType(value: unknown, type: string): boolean {
  return typeof value === "object" && value !== null && "type" in value && value.type === type;
}

async function activated(): Promise<number> {
  return (await measureActivation("ours")).total;
}

/** Size of the VSIX in MiB. */
async function packageSize(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "stepscope-vsix-"));
  try {
    const vsix = join(folder, "stepscope.vsix");
    buildForProduction();
    await packageVsix(TARGETS[0] ?? FALLBACK, vsix);
    return statSync(vsix).size / MEBIBYTE;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
