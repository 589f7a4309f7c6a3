/** Makes runs of TensorBoard's event files, so that what was trained elsewhere lies beside ours. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { MetricRecord } from "../protocol/metric.ts";
import type { RunRecord } from "../protocol/run.ts";
import { VERSION } from "../protocol/version.ts";
import { writeNotes } from "../store/notes.ts";
import { createRunFolder } from "../store/paths.ts";
import { RunWriter } from "../store/writer.ts";
import { readEvents } from "./eventFile.ts";

/** By this TensorBoard knows its files. */
const MARK = "tfevents";

/** Metrics that are stored at once. */
const CHUNK = 10_000;

/**
 * Imports an event file, or every folder with event files in `path` or below, as TensorBoard reads
 * them: each is one run, whose scalars become metrics under their tags.
 * @param project folder that the runs go to
 * @returns the folders of the runs, each as soon as it is stored
 * @throws Error if there is no event file, none has scalars, or one is damaged: runs before it are stored
 */
export function* importEvents(path: string, project: string): Generator<string, void, void> {
  const sources = eventFiles(resolve(path));
  if (sources.size === 0) {
    throw new Error(`There is no event file in ${path}: their names contain "${MARK}".`);
  }
  let isEmpty = true;
  for (const [folder, files] of sources) {
    const metrics = files.sort().flatMap(file => readMetrics(file));
    if (metrics.length === 0) continue;
    isEmpty = false;
    yield storeRun(project, folder, metrics);
  }
  if (isEmpty) throw new Error(`There are no scalars in ${path}, or it is no event file.`);
}

/** Event files by the folder that they are in. */
function eventFiles(path: string): Map<string, string[]> {
  if (statSync(path).isFile()) return new Map([[dirname(path), [path]]]);
  const files = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.includes(MARK))
    .map(entry => join(entry.parentPath, entry.name));
  return Map.groupBy(files, dirname);
}

function readMetrics(file: string): MetricRecord[] {
  const metrics: MetricRecord[] = [];
  try {
    for (const { wallTime, step, values } of readEvents(readFileSync(file))) {
      for (const [name, value] of values) {
        metrics.push({ name, value, step, time: wallTime * 1000 });
      }
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${file}: ${reason}`, { cause: error });
  }
  return metrics;
}

function storeRun(project: string, source: string, metrics: readonly MetricRecord[]): string {
  const times = metrics.map(({ time }) => time);
  const { id, folder } = createRunFolder(join(project, `${basename(source)}.py`));
  const record: RunRecord = {
    id,
    script: source,
    args: [],
    status: "completed",
    startedAt: times.reduce((a, b) => Math.min(a, b)),
    endedAt: times.reduce((a, b) => Math.max(a, b)),
    pid: process.pid,
    seed: 0,
    version: VERSION,
    tensors: [],
    steps: 0,
    finalLoss: Number.NaN,
    findings: [],
  };
  const writer = new RunWriter(folder, record, "");
  for (let at = 0; at < metrics.length; at += CHUNK) {
    writer.add({ record, batches: [], logs: [], metrics: metrics.slice(at, at + CHUNK) });
  }
  writer.close();
  writeNotes(folder, { name: basename(source), tags: ["imported"] });
  return folder;
}
