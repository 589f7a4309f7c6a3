#!/usr/bin/env node
/** Entry of the command line: `stepscope train | find-lr | sweep | runs | view | diff | baseline | export | import | diagnose | doctor`. */
import { fileURLToPath } from "node:url";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { ScriptFailedError } from "../client/learningRate.ts";
import { isRecent, MINIMUM_NODE } from "../client/node.ts";
import { ScriptNotFoundError } from "../client/start.ts";
import type { OverrideRecord } from "../protocol/run.ts";
import { VERSION } from "../protocol/version.ts";
import { baselineCommand } from "./baseline.ts";
import { diagnoseTrace } from "./diagnose.ts";
import { diffCommand } from "./diff.ts";
import { doctor } from "./doctor.ts";
import { EXIT, UsageError } from "./exit.ts";
import { exportCommand } from "./export.ts";
import { findLr } from "./findLr.ts";
import { errorText } from "./format.ts";
import { helpCommand, helpText } from "./help.ts";
import { importCommand } from "./import.ts";
import { ENGINES, jobText } from "./jobs.ts";
import { resumable } from "./resume.ts";
import { listProject } from "./runs.ts";
import { sweep } from "./sweep.ts";
import { measureOf } from "./sweepMeasure.ts";
import { learningRate, rateGrid } from "./sweepPlan.ts";
import { train } from "./train.ts";
import { view } from "./view.ts";

/** Fewer say nothing: the ends of a range test are no evidence. */
const FEWEST_RATES = 20;

const FOR_SCRIPT = ' Arguments for a script come after "--".';

const isFromSource = import.meta.url.endsWith(".ts");

const SIDECAR = fileURLToPath(
  new URL(isFromSource ? "../sidecar/main.ts" : "./sidecar.js", import.meta.url),
);

/** Runs one command; resolves to the exit code. */
async function main([command, ...rest]: string[]): Promise<number> {
  if (!isRecent(process.versions.node)) {
    throw new Error(
      `Node.js ${MINIMUM_NODE} or newer is needed, and this is ${process.versions.node}. ` +
        "Install it from https://nodejs.org.",
    );
  }
  if (asksForHelp(rest)) return main(["--help", ...(command ? [command] : [])]);
  switch (command) {
    case "train":
      return train(trainOptions(rest));
    case "find-lr":
      return findLr(findLrOptions(rest));
    case "sweep":
      return sweepOrEmit(rest);
    case "runs": {
      const [folder = ".", ...others] = rest;
      rejectArguments(others);
      return listProject(folder);
    }
    case "view":
      return view(rest);
    case "diff": {
      const { values, positionals } = parse(rest, { json: { type: "boolean", default: false } });
      return diffCommand(positionals, values.json);
    }
    case "baseline":
      return baselineCommand(baselineOptions(rest));
    case "export":
      return exportCommand(exportOptions(rest));
    case "import": {
      const [path, ...others] = rest;
      rejectArguments(others);
      return importCommand(path);
    }
    case "diagnose": {
      const [file, ...others] = rest;
      if (!file) throw new UsageError("diagnose: TRACE is missing.");
      rejectArguments(others);
      return diagnoseTrace(file);
    }
    case "doctor":
      rejectArguments(rest);
      return doctor();
    case "--version":
    case "-v":
      console.log(VERSION);
      return EXIT.completed;
    case "--help":
    case "-h":
    case "help":
      console.log(helpText(rest[0]));
      return EXIT.completed;
    default:
      throw new UsageError(command ? `There is no command "${command}".` : "A command is missing.");
  }
}

/** Whether the options of a command ask for help; what comes behind "--" is the script's. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  return own.includes("--help") || own.includes("-h");
}

function trainOptions(args: string[]) {
  const { own, scriptArgs } = splitArguments(args);
  const { values, positionals } = parse(own, {
    seed: { type: "string" },
    resume: { type: "string" },
    json: { type: "boolean", default: false },
    strict: { type: "boolean", default: false },
    lr: { type: "string" },
    "seed-offset": { type: "string" },
    tag: { type: "string" },
    "rewind-memory": { type: "string" },
  });
  const from = values.resume === undefined ? undefined : resumable(values.resume);
  const [script = from?.run.script, ...others] = positionals;
  const memory = values["rewind-memory"];
  const overrides = overridesOf(values, from?.run.overrides);
  if (!script) throw new UsageError("train: FILE is missing.");
  rejectArguments(others, FOR_SCRIPT);
  return {
    script,
    args: scriptArgs ?? from?.run.args ?? [],
    seed: wholeNumber("--seed", values.seed ?? String(from?.run.seed ?? 0)),
    json: values.json,
    strict: values.strict,
    sidecar: SIDECAR,
    ...(memory !== undefined && {
      rewindBytes: wholeNumber("--rewind-memory", memory) * 1024 ** 2,
    }),
    ...(overrides && { overrides }),
    ...(values.tag !== undefined && { tags: [tag(values.tag)] }),
    ...(from && { resume: from.checkpoints }),
  };
}

/** What takes the place of what the script says: as given, else as in the run that is gone on from. */
function overridesOf(
  { lr, "seed-offset": offset }: { lr?: string | undefined; "seed-offset"?: string | undefined },
  before: OverrideRecord = {},
): OverrideRecord | undefined {
  const overrides = {
    ...before,
    ...(lr !== undefined && { lr: learningRate("--lr", lr) }),
    ...(offset !== undefined && { seedOffset: wholeNumber("--seed-offset", offset) }),
  };
  return Object.keys(overrides).length > 0 ? overrides : undefined;
}

/** One word, by which the list of runs is filtered: #word. */
function tag(text: string): string {
  if (/^[^\s#]+$/.test(text)) return text;
  throw new UsageError(`--tag: expected one word, got "${text}".`);
}

function findLrOptions(args: string[]) {
  const { own, scriptArgs = [] } = splitArguments(args);
  const { values, positionals } = parse(own, {
    seed: { type: "string", default: "0" },
    steps: { type: "string", default: "100" },
    planned: { type: "string", default: "0" },
    json: { type: "boolean", default: false },
  });
  const [script, ...others] = positionals;
  if (!script) throw new UsageError("find-lr: FILE is missing.");
  rejectArguments(others, FOR_SCRIPT);
  const steps = wholeNumber("--steps", values.steps);
  if (steps < FEWEST_RATES) {
    throw new UsageError(`--steps: at least ${FEWEST_RATES} rates are needed, got ${steps}.`);
  }
  return {
    script,
    args: scriptArgs,
    seed: wholeNumber("--seed", values.seed),
    steps,
    plannedSteps: wholeNumber("--planned", values.planned),
    json: values.json,
    sidecar: SIDECAR,
  };
}

/** Runs a sweep, or prints it as a job of an engine. */
function sweepOrEmit(args: string[]): number | Promise<number> {
  const { own, scriptArgs = [] } = splitArguments(args);
  const { values, positionals } = parse(own, {
    lr: { type: "string" },
    points: { type: "string" },
    seeds: { type: "string", default: "1" },
    parallel: { type: "string" },
    metric: { type: "string" },
    mode: { type: "string" },
    tag: { type: "string", default: "sweep" },
    emit: { type: "string" },
    json: { type: "boolean", default: false },
  });
  const [script, ...others] = positionals;
  if (!script) throw new UsageError("sweep: FILE is missing.");
  rejectArguments(others, FOR_SCRIPT);
  if (values.lr === undefined)
    throw new UsageError("sweep: --lr is missing, such as --lr 1e-4..1e-1.");
  const points = values.points === undefined ? undefined : atLeastOne("--points", values.points);
  const parallel =
    values.parallel === undefined ? undefined : atLeastOne("--parallel", values.parallel);
  const options = {
    script,
    args: scriptArgs,
    rates: rateGrid(values.lr, points),
    seeds: atLeastOne("--seeds", values.seeds),
    measure: measureOf(values.metric, values.mode),
    tag: tag(values.tag),
  };
  if (values.emit === undefined) {
    return sweep({ ...options, parallel: parallel ?? 1, json: values.json, sidecar: SIDECAR });
  }
  const engine = ENGINES.find(name => name === values.emit);
  if (!engine) {
    throw new UsageError(`--emit: expected ${ENGINES.join(", ")}, got "${values.emit}".`);
  }
  process.stdout.write(jobText(engine, { ...options, parallel }));
  return EXIT.completed;
}

/** Arguments of the command, and those for the script: what comes after "--", if that is there. */
function splitArguments(args: string[]) {
  const end = args.indexOf("--");
  return end < 0
    ? { own: args, scriptArgs: undefined }
    : { own: args.slice(0, end), scriptArgs: args.slice(end + 1) };
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value < 2 ** 32) return value;
  throw new UsageError(`${option}: expected a whole number below 2³², got "${text}".`);
}

function atLeastOne(option: string, text: string): number {
  const value = wholeNumber(option, text);
  if (value >= 1) return value;
  throw new UsageError(`${option}: expected a whole number of at least 1, got "${text}".`);
}

function baselineOptions(args: string[]) {
  const { values, positionals } = parse(args, { none: { type: "boolean", default: false } });
  const [run, ...others] = positionals;
  rejectArguments(others);
  return { run, none: values.none };
}

function exportOptions(args: string[]) {
  const { values, positionals } = parse(args, {
    format: { type: "string", default: "csv" },
    output: { type: "string" },
  });
  const [run, ...others] = positionals;
  rejectArguments(others);
  return { run, format: values.format, output: values.output };
}

/** Options and positional arguments; what is not among the options is wrong usage. */
function parse<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  options: Options,
) {
  try {
    return parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(wrongOption(error));
  }
}

/** What Node says of options, in the words of the other errors. */
function wrongOption(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error;
  const [, unknown] = /^Unknown option '(.*?)'/.exec(message) ?? [];
  if (unknown !== undefined) return `There is no option ${unknown} of this command.`;
  const [, option, problem] = /^Option '(--[\w-]+).*' (.*)/.exec(message) ?? [];
  switch (problem) {
    case "argument missing":
      return `${option}: a value is missing.`;
    case "argument is ambiguous.":
      return `${option}: a value is missing, or begins with a dash: then it is written ${option}=-1.`;
    case "does not take an argument":
      return `${option}: takes no value.`;
    default:
      return message;
  }
}

function rejectArguments(args: readonly string[], hint = ""): void {
  if (args.length > 0) throw new UsageError(`Unexpected: ${args.join(" ")}.${hint}`);
}

/** Why it ended; of a script that failed, with its place, as `train` says it. */
function reasonOf(error: unknown): string {
  if (error instanceof ScriptFailedError) return errorText(error.run);
  return error instanceof Error ? error.message : String(error);
}

// `stepscope … | head`: nobody reads on, which is no reason for a stack trace.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof UsageError || error instanceof ScriptNotFoundError;
  console.error(`stepscope: ${reasonOf(error)}`);
  if (isUsage) console.error(`Try: ${helpCommand(process.argv[2])}`);
  process.exitCode = isUsage ? EXIT.wrongUsage : EXIT.failed;
}
