/**
 * `npm run eval:scenarios -- FOLDER [--minutes N] [--write]`: how right the diagnosis is on runs of our own library: on the families
 * that are kept blind, which it was not fitted on, on loops with a fault, and how good the learning rates are that `find-lr` finds.
 * `eval:diagnosis` judges the other families. FOLDER keeps what has been run; what is missing is run, for N minutes at most (0:
 * nothing). `--write` writes the tables of which nothing is missing into docs/diagnosis.md.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readCorpus } from "./diagnosis/corpus.ts";
import { writeSection } from "./diagnosis/document.ts";
import { groupTable, judge, table } from "./diagnosis/metrics.ts";
import { FAMILIES } from "./diagnosis/scenarios/families.ts";
import { loops } from "./diagnosis/scenarios/faults.ts";
import { type FindResult, findTable } from "./diagnosis/scenarios/findTable.ts";
import { type LoopResult, loopTable } from "./diagnosis/scenarios/loopTable.ts";

/** Milliseconds that one process may take. */
const PATIENCE_MS = 300_000;

interface Job {
  readonly program: string;
  readonly args: readonly string[];
  readonly file: string;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "0" },
    write: { type: "boolean", default: false },
  },
});
const [folder] = positionals;
if (!folder) {
  throw new Error("Usage: npm run eval:scenarios -- FOLDER [--minutes N] [--write]");
}
const [sweeps, results, found] = [
  join(folder, "sweeps"),
  join(folder, "loops"),
  join(folder, "found"),
];
for (const each of [sweeps, results, found]) mkdirSync(each, { recursive: true });

const jobs = mixed(
  FAMILIES.flatMap(({ name, kind }) => {
    const sweep = join(sweeps, `${name}.jsonl.gz`);
    const sweepJob = { program: "sweep.ts", args: [name], file: sweep };
    const findJob = { program: "find.ts", args: [name, sweep], file: join(found, `${name}.json`) };
    return kind === "blind" ? [sweepJob, findJob] : [sweepJob];
  }),
  loops().map(({ base, variation, seed }) => ({
    program: "loop.ts",
    args: [base, variation, String(seed)],
    file: join(results, `${base}-${variation}-${seed}.json`),
  })),
);
const end = Date.now() + 60_000 * Number(values.minutes);
for (const job of jobs) {
  if (!existsSync(job.file) && Date.now() < end) run(job);
}

const judged = readCorpus(sweeps).map(run => judge(run));
const blind = judged.filter(({ run }) => run.meta.kind === "blind");
const told = readAll<LoopResult>(results);
const tried = readAll<FindResult>(found);
const unseen = FAMILIES.filter(({ kind }) => kind === "blind").length;
const seen = new Set(blind.map(({ run }) => run.scenario)).size;

show("eval:blind", seen, unseen, "blind families", [
  table({ "blind families": blind }),
  groupTable(blind),
]);
show("eval:found", tried.length, unseen, "blind families", [findTable(tried)]);
show("eval:loops", told.length, loops().length, "loops", [loopTable(told, judged)]);

/** Prints what was counted, and writes it where nothing is missing. */
function show(section: string, run: number, of: number, what: string, tables: readonly string[]) {
  const text = [`${run} of ${of} ${what} were run, with one seed each.`, ...tables].join("\n\n");
  console.log(text);
  if (values.write && run === of) writeSection(section, text);
}

function readAll<Result>(of: string): readonly Result[] {
  const files = readdirSync(of).filter(file => file.endsWith(".json"));
  return files.map(file => JSON.parse(readFileSync(join(of, file), "utf8")) as Result);
}

/** Both lists evenly, so that who has little time sees something of each. */
function mixed(...lists: readonly (readonly Job[])[]): readonly Job[] {
  return lists
    .flatMap(list => list.map((job, i) => ({ job, at: (i + 1) / list.length })))
    .sort((a, b) => a.at - b.at)
    .map(({ job }) => job);
}

function run({ program, args, file }: Job): void {
  console.error([program, ...args].join(" "));
  const path = fileURLToPath(new URL(`diagnosis/scenarios/${program}`, import.meta.url));
  const { status } = spawnSync(process.execPath, [path, ...args, file], {
    stdio: ["ignore", "ignore", "inherit"],
    timeout: PATIENCE_MS,
  });
  // The others can be run all the same, and this one the next time.
  if (status !== 0) console.error("it failed");
}
