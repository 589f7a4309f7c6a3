/** `stepscope diff RUN1 RUN2`: in what two runs differ, their configuration and their script. */
import { createTwoFilesPatch } from "diff";
import { type Difference, differences } from "../protocol/configuration.ts";
import { openRun } from "../store/reader.ts";
import { EXIT, UsageError } from "./exit.ts";
import { findRun } from "./find.ts";

/** What `--json` prints. */
interface RunDifference {
  readonly runs: readonly string[];
  readonly configuration: readonly Difference[];
  /** A unified diff of the scripts; empty where they are the same. */
  readonly source: string;
}

/** Prints the differences, or an object of them as JSON; returns the exit code. */
export function diffCommand(names: readonly string[], json: boolean): number {
  const [first, second, ...others] = names;
  if (first === undefined || second === undefined || others.length > 0) {
    throw new UsageError("diff: two runs are needed, RUN1 and RUN2.");
  }
  const runs = [first, second].map(name => findRun(name));
  const ids = runs.map(({ record }) => record.id);
  const difference: RunDifference = {
    runs: ids,
    configuration: differences(runs.map(({ record }) => record)),
    source: sourcePatch(
      ids,
      runs.map(({ folder }) => sourceOf(folder)),
    ),
  };
  console.log(json ? JSON.stringify(difference) : text(difference));
  return EXIT.completed;
}

function sourceOf(folder: string): string {
  const reader = openRun(folder);
  try {
    return reader.source();
  } finally {
    reader.close();
  }
}

function sourcePatch([before = "", after = ""]: string[], [old = "", current = ""]: string[]) {
  return old === current ? "" : createTwoFilesPatch(before, after, old, current);
}

function text({ runs, configuration, source }: RunDifference): string {
  const rows = configuration.map(({ name, values }) => [name, ...values.map(each => each ?? "–")]);
  const table =
    rows.length > 0 ? aligned([["", ...runs], ...rows]) : "The configuration is the same.";
  return `${table}\n\n${source === "" ? "The script is the same." : source.trimEnd()}`;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map(row => row[i]?.length ?? 0)));
  return rows
    .map(row =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
