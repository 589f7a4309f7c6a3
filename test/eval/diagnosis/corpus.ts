/** Labelled traces, and the moments of them that a scorecard is fitted on. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Class } from "../../../runtime/insight/diagnosis/scorecard.ts";
import {
  features,
  NO_SIGNALS,
  observe,
  type Signals,
} from "../../../runtime/insight/diagnosis/signals.ts";
import { readTrace, type TraceRun } from "../../../runtime/insight/diagnosis/trace.ts";
import type { Verdict } from "../../../runtime/insight/diagnosis/verdict.ts";
import type { Sample } from "./fit.ts";

/** Parts of a run after which it is sampled. */
const MOMENTS = [0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.75, 1];

export interface LabelledRun extends TraceRun {
  readonly label: Verdict;
  readonly rightLrs: readonly number[];
}

/** Every run in the `.jsonl.gz` files of a folder. */
export function readCorpus(folder: string): LabelledRun[] {
  const files = readdirSync(folder).filter(file => file.endsWith(".jsonl.gz"));
  return files.sort().flatMap(file => {
    const text = gunzipSync(readFileSync(join(folder, file))).toString();
    return [...readTrace(text.split("\n"), file)].map(run => ({
      ...run,
      label: run.meta.label as Verdict,
      rightLrs: run.meta.rightLrs as number[],
    }));
  });
}

/** What a scorecard sees: a run that diverges has too large a learning rate. */
export function classOf(verdict: Verdict | null): Class | null {
  return verdict === "diverge" ? "large" : verdict;
}

/** The moments of a run up to its end, or to the first step that is not finite. */
export function samplesOf(run: LabelledRun): Sample[] {
  const samples: Sample[] = [];
  let signals: Signals = NO_SIGNALS;
  const moments = MOMENTS.map(part => Math.round(part * (run.plan.plannedSteps ?? 0)));
  for (const record of run.records) {
    signals = observe(signals, record, run.plan);
    if (signals.nonFiniteAt !== undefined) break;
    if (signals.steps < 2 || !moments.includes(signals.steps)) continue;
    const label = classOf(run.label) ?? "right";
    samples.push({ family: run.scenario, label, features: features(signals, run.plan) });
  }
  return samples;
}
