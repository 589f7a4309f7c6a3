/**
 * `npm run eval:diagnosis -- FOLDER [--write]`: how right the diagnosis is on labelled traces. Each run
 * is judged by a scorecard that was fitted without its family. `--write` fits one on all of them and
 * writes it to where the product reads it, and the table into docs/diagnosis.md.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { readCorpus, samplesOf } from "./diagnosis/corpus.ts";
import { writeSection } from "./diagnosis/document.ts";
import { fitScorecard } from "./diagnosis/fit.ts";
import { judge, table } from "./diagnosis/metrics.ts";

const SCORECARD = new URL("../../runtime/insight/diagnosis/scorecard.json", import.meta.url);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean", default: false } },
});
const [folder] = positionals;
if (!folder) throw new Error("Usage: npm run eval:diagnosis -- FOLDER [--write]");

const runs = readCorpus(folder);
const samples = runs.flatMap(samplesOf);
const families = [...new Set(runs.map(({ scenario }) => scenario))];
const judged = families.flatMap(family => {
  const card = fitScorecard(samples.filter(sample => sample.family !== family));
  const own = runs.filter(({ scenario }) => scenario === family);
  process.stderr.write(`${family}\n`);
  return own.map(run => judge(run, card));
});
const text = table({ value: judged });
console.log(text);

if (values.write) {
  writeFileSync(SCORECARD, `${JSON.stringify(fitScorecard(samples))}\n`);
  writeSection("eval:diagnosis", text);
}
