/** A run in a line of a list. */
import { basename } from "node:path";
import type { RunRecord } from "../protocol/run.ts";
import type { RunNotes } from "./notes.ts";

export interface RunSummary {
  readonly folder: string;
  readonly record: RunRecord;
  /** η of the first parameter group at the last step; NaN without a step. */
  readonly rate: number;
  readonly notes: RunNotes;
}

/** What a run is called: by its own name, else by that of its script. */
export function runName({ record, notes }: RunSummary): string {
  return notes.name || basename(record.script);
}

/** How long a run took, or has taken so far, in milliseconds. */
export function runDuration({ startedAt, endedAt }: RunRecord): number {
  return (endedAt ?? Date.now()) - startedAt;
}

/**
 * Whether a run has every word of a filter: in its name, script, state, note or tags, in capitals or
 * not. `#tag` asks for a tag, `★` for a star.
 */
export function matches(summary: RunSummary, filter: string): boolean {
  const { record, notes } = summary;
  const tags = notes.tags.map(tag => `#${tag}`);
  const star = notes.starred ? "★" : "";
  const text = [
    runName(summary),
    basename(record.script),
    record.status,
    notes.note,
    star,
    ...tags,
  ];
  const all = text.join("\n").toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every(word => all.includes(word));
}
