import { differences } from "../../runtime/protocol/configuration.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";

/** Settings in which runs may differ that are to be one: what they compute is the same but for chance. */
const CHANCE = new Set(["seed", "adapter", "stepscope", "Node.js", "platform"]);

/** Whether two runs are of the same script and configuration, with different seeds. */
export function areReplicates(a: RunRecord, b: RunRecord): boolean {
  return a.seed !== b.seed && differences([a, b]).every(({ name }) => CHANCE.has(name));
}

/** The runs that belong together, in order: a run joins the first group all of which it replicates. */
export function groupReplicates<Run extends { readonly run: RunRecord }>(
  runs: readonly Run[],
): readonly (readonly Run[])[] {
  const groups: Run[][] = [];
  for (const run of runs) {
    const group = groups.find(members => members.every(other => areReplicates(other.run, run.run)));
    if (group) group.push(run);
    else groups.push([run]);
  }
  return groups;
}
