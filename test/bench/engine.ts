/**
 * `npm run bench:engine [-- rounds [task ...]]`: our engine and its peers on one adapter, in turns.
 *
 * Every contender (engine/) runs in a process of its own, so that neither globals nor memory mix, and
 * waits while another one measures; rounds alternate their order, so that a drift of the machine's
 * speed falls on all. SwiftShader is held to one thread: the time of the processor then says what
 * the work costs, however busy the machine is. Goals are printed and never fail.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { build } from "esbuild";
import manifest from "../../package.json" with { type: "json" };
import type { Calls, Ready, Sample } from "./engine/protocol.ts";
import { isRight, PRODUCTS, SIZES, TASKS, type TaskName } from "./engine/tasks.ts";
import { formatNumber, quantile } from "./table.ts";

const SOURCES = join(import.meta.dirname, "engine");
/** Where contenders are bundled, below the packages that they import, and run. */
const FOLDER = join(import.meta.dirname, "../../artifacts/bench");
/** TF.js has calls of `require`, which esbuild leaves to the module that it makes. */
const REQUIRE =
  'import { createRequire as requireOf } from "node:module";' +
  "const require = requireOf(import.meta.url);";
const PYTHON = "/usr/bin/python3";

const WEBGPU = ["stepscope", "jax", "tfjs"] as const;
type ContenderName = (typeof WEBGPU)[number] | "torch";

const VERSIONS = manifest.devDependencies;
const TITLES: Readonly<Record<ContenderName, string>> = {
  stepscope: "Stepscope",
  jax: `jax-js ${VERSIONS["@jax-js/jax"]}, jit`,
  tfjs: `TF.js ${VERSIONS["@tensorflow/tfjs-core"]}`,
  torch: "PyTorch, one thread",
};

interface Plan {
  readonly title: string;
  /** Steps of a sample. */
  readonly steps: number;
  /** Our time as a share of jax-js's: at most this. */
  readonly goal: number;
}

const PLANS: Readonly<Record<TaskName, Plan>> = {
  matmul512: { title: "matmul 512", steps: 3, goal: 0.6 },
  matmul1024: { title: "matmul 1024", steps: 1, goal: 0.6 },
  longMatmul: { title: "matmul 64 × 16384 × 64", steps: 3, goal: 0.6 },
  vectorMatmul: { title: "vector × matrix 4096", steps: 3, goal: 0.6 },
  mlp: { title: "MLP 784-256-128-10, batch 128, Adam", steps: 5, goal: 0.65 },
  gpt: { title: "GPT, 2 layers, width 128, 4 heads, 8 × 64 letters, Adam", steps: 1, goal: 0.55 },
  adam: { title: "Adam alone, 10 million parameters", steps: 2, goal: 0.4 },
};
const TFJS_GOAL = 0.2;

/** A contender whose step takes longer, in milliseconds, measures single steps in few rounds. */
const SLOW = 5000;
const SLOW_ROUNDS = 3;

/** A contender at work on a task, warmed up. */
interface Entrant {
  readonly name: ContenderName;
  readonly ready: Ready;
  readonly samples: Sample[];
  measure(steps: number): Promise<Sample>;
  end(): void;
}

const [first, ...rest] = process.argv.slice(2);
const rounds = Number(first ?? 5);
const tasks = TASKS.filter(task => rest.length === 0 || rest.includes(task));
if (!(rounds > 0) || tasks.length < rest.length) {
  throw new Error(`Usage: npm run bench:engine [-- rounds [${TASKS.join(" | ")} ...]]`);
}
const contenders: ContenderName[] = [...WEBGPU, ...(hasTorch() ? (["torch"] as const) : [])];
await prepare();
const times = [
  "| | CPU ms | wall ms | n | ours / its | goal |",
  "| --- | --- | --- | --- | --- | --- |",
];
const calls = [
  "| | dispatches | submits | new bind groups | new buffers |",
  "| --- | --- | --- | --- | --- |",
];
for (const task of tasks) {
  const entrants = await compete(task);
  times.push(...timeRows(task, entrants));
  calls.push(...callRows(task, entrants));
}
console.log(`\nA step: median (quartiles)\n\n${times.join("\n")}`);
console.log(`\nWebGPU calls of a step\n\n${calls.join("\n")}`);
console.log(`\n${cpus()[0]?.model ?? "processor unknown"}, Node ${process.version}`);

function hasTorch(): boolean {
  return spawnSync(PYTHON, ["-c", "import torch"], { stdio: "ignore" }).status === 0;
}

/** Bundles the contenders and holds SwiftShader, which reads its folder, to one thread. */
async function prepare(): Promise<void> {
  await build({
    entryPoints: WEBGPU.map(name => join(SOURCES, `${name}.ts`)),
    outdir: FOLDER,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    mainFields: ["module", "main"],
    external: ["webgpu", "@jax-js/jax"],
    banner: { js: REQUIRE },
    logLevel: "error",
  });
  const mask = cpus().length > 1 ? 2 : 1;
  writeFileSync(
    join(FOLDER, "SwiftShader.ini"),
    `[Processor]\nThreadCount=1\nAffinityMask=${mask}\n`,
  );
}

/** Lets the contenders measure a task in turns. */
async function compete(task: TaskName): Promise<Entrant[]> {
  const entrants: Entrant[] = [];
  try {
    for (const name of contenders) entrants.push(await enter(name, task));
    for (let round = 0; round < rounds; round++) {
      for (const entrant of round % 2 === 0 ? entrants : entrants.toReversed()) {
        await takeTurn(entrant, PLANS[task].steps, round);
      }
    }
  } finally {
    for (const entrant of entrants) entrant.end();
  }
  return entrants;
}

async function takeTurn(entrant: Entrant, steps: number, round: number): Promise<void> {
  const slow = entrant.ready.milliseconds > SLOW;
  if (slow && round >= SLOW_ROUNDS) return;
  entrant.samples.push(await entrant.measure(slow ? 1 : steps));
}

/** Starts a contender and waits until it is warm. */
async function enter(name: ContenderName, task: TaskName): Promise<Entrant> {
  const child = start(name, task);
  const answers = messages(child.stdout);
  const ready = await next<Ready>(answers, name);
  const [before, after] = ready.probes;
  console.log(`${task}, ${name}: ${before} at first, ${after} after the warm-up`);
  if (!isRight(task, before, after)) throw new Error(`${name} computes ${task} wrong.`);
  return {
    name,
    ready,
    samples: [],
    measure: steps => {
      child.stdin.write(`${steps}\n`);
      return next<Sample>(answers, name);
    },
    end: () => child.stdin.end(),
  };
}

function start(name: ContenderName, task: TaskName): ChildProcessByStdio<Writable, Readable, null> {
  const [command, args] =
    name === "torch"
      ? [
          PYTHON,
          [join(SOURCES, "pytorch.py"), task, JSON.stringify({ ...SIZES, products: PRODUCTS })],
        ]
      : [process.execPath, [join(FOLDER, `${name}.mjs`), task]];
  return spawn(command, args, { cwd: FOLDER, stdio: ["pipe", "pipe", "inherit"] });
}

/** The lines that are JSON objects: libraries print greetings, too. */
async function* messages(output: Readable): AsyncGenerator<string, undefined> {
  for await (const line of createInterface(output)) if (line.startsWith("{")) yield line;
}

/** The next message of a contender, of the type that the protocol says. */
async function next<Message extends Ready | Sample>(
  answers: AsyncGenerator<string, undefined>,
  name: ContenderName,
): Promise<Message> {
  const { value } = await answers.next();
  if (value === undefined) throw new Error(`${name} ended before its time.`);
  return JSON.parse(value) as Message;
}

function timeRows(task: TaskName, entrants: readonly Entrant[]): string[] {
  // The time of the processor is that of the work only where the processor is the GPU.
  const measure = entrants[0]?.ready.adapter?.software ? "cpu" : "wall";
  const time = (entrant: Entrant | undefined): number =>
    quantile(entrant?.samples.map(sample => sample[measure]) ?? [], 0.5);
  const rows = entrants.map(entrant => {
    const { name, samples } = entrant;
    const ratio = name === "stepscope" ? "" : `${(time(entrants[0]) / time(entrant)).toFixed(2)}×`;
    const [cpu, wall] = (["cpu", "wall"] as const).map(key => spread(samples.map(s => s[key])));
    return `| ${TITLES[name]} | ${cpu} | ${wall} | ${samples.length} | ${ratio} | ${goal(name, task)} |`;
  });
  return [`| **${PLANS[task].title}** | | | | | |`, ...rows];
}

function goal(name: ContenderName, task: TaskName): string {
  if (name === "jax") return `≤ ${PLANS[task].goal}×`;
  return name === "tfjs" ? `≤ ${TFJS_GOAL}×` : "";
}

function spread(values: readonly number[]): string {
  const [low, middle, high] = [0.25, 0.5, 0.75].map(share => formatNumber(quantile(values, share)));
  return `${middle} (${low} – ${high})`;
}

function callRows(task: TaskName, entrants: readonly Entrant[]): string[] {
  const rows = entrants.flatMap(({ name, ready }) =>
    ready.calls ? [callRow(TITLES[name], ready.calls)] : [],
  );
  return [`| **${PLANS[task].title}** | | | | |`, ...rows];
}

function callRow(title: string, { dispatches, submits, bindGroups, buffers }: Calls): string {
  return `| ${title} | ${dispatches} | ${submits} | ${bindGroups} | ${buffers} |`;
}
