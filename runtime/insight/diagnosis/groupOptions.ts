import type { StepView } from "./rules.ts";

/** A number that a parameter group has: as it was made, or as a client has set it. NaN without one. */
export function option(
  { groups, changes }: Pick<StepView, "groups" | "changes">,
  group: number,
  name: string,
): number {
  const change = changes.findLast(each => each.group === group && each.name === name);
  const text = groups.find(each => each.group === group)?.options[name];
  return change?.to ?? (text === undefined ? Number.NaN : Number(text));
}
