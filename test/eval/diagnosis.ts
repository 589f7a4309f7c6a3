/**
 * `npm run eval:diagnosis -- FOLDER… [--write]`: how right the diagnosis is on labelled traces: those that were recorded, the
 * `sweeps` of `eval:scenarios` without the families that are kept blind, and those that `diagnosis/drawn.py` makes. Each run is
 * judged by a scorecard that was fitted without its family, and without any other of that name. `--write` fits one on all of
 * them and writes it to where the product reads it, and the table into docs/diagnosis.md.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type LabelledRun, readCorpus, samplesOf } from "./diagnosis/corpus.ts";
import { writeSection } from "./diagnosis/document.ts";
import { fitScorecard } from "./diagnosis/fit.ts";
import { groupTable, type Judged, judge, table } from "./diagnosis/metrics.ts";

const SCORECARD = new URL("../../runtime/insight/diagnosis/scorecard.json", import.meta.url);

/** Parts that the names are divided into; each is judged by what was fitted on the others. */
const FOLDS = 8;

/** Columns of the table; what was recorded has no kind. */
const KINDS = {
  "recorded in PyTorch": undefined,
  "built as these": "recorded",
  "built otherwise": "otherwise",
  "made afterwards": "fresh",
  "once blind": "once blind",
  "drawn by chance": "drawn",
} as const;

const { values, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean", default: false } },
});
if (folders.length === 0) throw new Error("Usage: npm run eval:diagnosis -- FOLDER… [--write]");

const runs = folders.flatMap(readCorpus).filter(({ meta }) => meta.kind !== "blind");
const samples = runs.flatMap(samplesOf);
const names = [...new Set(runs.map(({ scenario }) => scenario))];
const judged = Array.from({ length: FOLDS }, (_, fold) => judgeFold(fold)).flat();
const text = [
  `${judged.length} runs of families of ${names.length} names.`,
  table({ ...columns(judged), all: judged }),
  groupTable(judged),
].join("\n\n");
console.log(text);

if (values.write) {
  writeFileSync(SCORECARD, `${JSON.stringify(fitScorecard(samples))}\n`);
  writeSection("eval:diagnosis", text);
}

/** The runs of every `FOLDS`th name, by a scorecard that has seen no family of these. */
function judgeFold(fold: number): readonly Judged[] {
  process.stderr.write(`${fold + 1} of ${FOLDS}\n`);
  const own = new Set(names.filter((_, i) => i % FOLDS === fold));
  const card = fitScorecard(samples.filter(({ family }) => !own.has(family)));
  return runs.filter(({ scenario }) => own.has(scenario)).map(run => judge(run, card));
}

function columns(all: readonly Judged[]): Readonly<Record<string, readonly Judged[]>> {
  const isOf = ({ meta }: LabelledRun, kind: string | undefined) => meta.kind === kind;
  return Object.fromEntries(
    Object.entries(KINDS)
      .map(([title, kind]) => [title, all.filter(({ run }) => isOf(run, kind))] as const)
      .filter(([, of]) => of.length > 0),
  );
}
