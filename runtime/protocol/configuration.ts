/** What a run was made with, and in what two runs differ. */
import type { RepositoryRecord, RunRecord } from "./run.ts";

/** Digits of a commit that tell it from all others of a repository. */
const COMMIT_DIGITS = 12;

/** One thing that a run was made with, in words. */
export interface Setting {
  readonly name: string;
  readonly value: string;
}

/** A setting of which not all runs have the same value. */
export interface Difference {
  readonly name: string;
  /** By run; undefined where it has no such setting, or an older version recorded it. */
  readonly values: readonly (string | undefined)[];
}

/** What a run was made with: script, arguments, seed, parameters, optimizers with their options, machine. */
export function settingsOf(run: RunRecord): Setting[] {
  const {
    script,
    sourceHash,
    args,
    seed,
    version,
    environment,
    repository,
    adapter,
    tensors,
    groups = [],
    overrides,
  } = run;
  const several = new Set(tensors.map(({ group }) => group)).size > 1;
  const elements = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const options = groups.flatMap(({ group, options }) =>
    Object.entries(options).map(([name, value]) => ({
      name: several ? `${name} of group ${group}` : name,
      value,
    })),
  );
  const optimizers = new Set(tensors.map(({ optimizer }) => optimizer));
  const settings: readonly (readonly [name: string, value: string | undefined])[] = [
    ["script", script],
    ["script text", sourceHash],
    ["commit", repository?.commit.slice(0, COMMIT_DIGITS)],
    ["uncommitted changes", repository && changesText(repository)],
    ["arguments", args.join(" ")],
    ["seed", String(seed)],
    ["given learning rate", overrides?.lr === undefined ? undefined : String(overrides.lr)],
    ["optimizer", tensors.length > 0 ? [...optimizers].join(", ") : undefined],
    ...options.map(({ name, value }) => [name, value] as const),
    ["parameters", tensors.length > 0 ? `${elements} in ${tensors.length} tensors` : undefined],
    ["adapter", adapter?.description],
    ["stepscope", version],
    ["Node.js", environment?.node],
    ["platform", environment?.platform],
  ];
  return settings.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
}

function changesText({ changedFiles, patchHash }: RepositoryRecord): string {
  if (changedFiles === 0) return "none";
  const files = changedFiles === 1 ? "1 file" : `${changedFiles} files`;
  return `${files}, ${patchHash ?? "too large to keep"}`;
}

/** The settings that are not the same for all of the runs, those of the first run first. */
export function differences(runs: readonly RunRecord[]): Difference[] {
  const settings = runs.map(run => new Map(settingsOf(run).map(each => [each.name, each.value])));
  const names = new Set(settings.flatMap(each => [...each.keys()]));
  return [...names]
    .map(name => ({ name, values: settings.map(each => each.get(name)) }))
    .filter(({ values }) => new Set(values).size > 1);
}
