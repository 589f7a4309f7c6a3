/** What the evaluation counts of the learning rates that `find-lr` finds. */
import { MOST_REGRET, OPTIMIZERS, share } from "../metrics.ts";
import type { OptimizerName } from "./family.ts";

/** What was found for a family, and the part of what can be gained that training with it misses. */
export interface FindResult {
  readonly scenario: string;
  readonly optimizer: OptimizerName;
  /** What the range test alone suggests; undefined where its loss never fell. */
  readonly range?: number | undefined;
  readonly rangeRegret?: number | undefined;
  readonly suggestion?: number | undefined;
  readonly regret?: number | undefined;
  readonly confidence: "high" | "low";
}

/** One row for each kind of optimizer, in Markdown. */
export function findTable(results: readonly FindResult[]): string {
  const rows = Object.entries({ ...OPTIMIZERS, all: /./ }).map(([name, pattern]) => {
    const of = results.filter(({ optimizer }) => pattern.test(optimizer));
    const high = of.filter(({ confidence }) => confidence === "high");
    const isRight = ({ regret }: FindResult) => isGood(regret);
    const figures = [
      share(of, ({ rangeRegret }) => isGood(rangeRegret)),
      share(of, isRight),
      share(high, isRight),
    ];
    return `| ${name} | ${figures.join(" | ")} |`;
  });
  return [
    "| families | the range test alone within a tenth of what can be gained | with the short runs | … where its confidence is high |",
    "|---|---|---|---|",
    ...rows,
  ].join("\n");
}

function isGood(regret: number | undefined): boolean {
  return regret !== undefined && regret <= MOST_REGRET;
}
