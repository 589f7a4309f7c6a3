/**
 * `npm run eval:scenarios -- FOLDER [--minutes N] [--write]`: how right the diagnosis is on runs of our own library: on
 * loops with a fault, and on the families that are kept blind, which it was not fitted on. `eval:diagnosis` judges the others. FOLDER keeps what has been run; what is missing is run, for N minutes at most (0:
 * nothing). `--write` writes the tables into docs/diagnosis.md.
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
const [sweeps, results] = [join(folder, "sweeps"), join(folder, "loops")];
for (const each of [sweeps, results]) mkdirSync(each, { recursive: true });

const jobs = mixed(
  FAMILIES.map(({ name }) => ({
    program: "sweep.ts",
    args: [name],
    file: join(sweeps, `${name}.jsonl.gz`),
  })),
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
const done = readdirSync(results).map(
  file => JSON.parse(readFileSync(join(results, file), "utf8")) as LoopResult,
);
const text = [
  `${count(sweeps)} of ${FAMILIES.length} families and ${done.length} of ${loops().length} loops were run, one seed of each family.`,
  table({ "blind families": blind }),
  groupTable(blind),
  loopTable(done, judged),
].join("\n\n");
console.log(text);
if (values.write) writeSection("eval:scenarios", text);

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

function count(of: string): number {
  return readdirSync(of).filter(file => file.endsWith(".gz")).length;
}
