import type { Branch, Branches } from "../../runtime/protocol/branch.ts";
import { formatSteps, formatValue } from "../data/format.ts";
import { type Range, type ScaleKind, withoutOutliers, yDomain } from "../data/scale.ts";

/** The loss of a step, in the line of a branch; `size` is that of its dot. */
export interface BranchPoint {
  readonly x: number;
  readonly y: number;
  readonly slot: number;
  readonly size: number;
}

/** What is drawn of branches: a line for each, in the look of its place among them. */
export interface BranchModel {
  readonly points: readonly BranchPoint[];
  readonly xDomain: Range;
  readonly yDomain: Range;
}

/** Area of a dot, and the most steps that have one. */
const DOT = 16;
const MOST_DOTS = 40;

/** The scale of the loss, unless another was chosen. */
export function branchScale({ branches }: Branches): ScaleKind {
  const isPositive = branches.every(({ losses }) => losses.every(loss => !(loss <= 0)));
  return isPositive ? "log" : "linear";
}

export function branchModel({ step, steps, branches }: Branches, scale: ScaleKind): BranchModel {
  const points = branches.flatMap(({ losses }, slot) =>
    Array.from(losses, (loss, i) => ({
      x: step + 1 + i,
      y: isDrawable(loss, scale) ? loss : Number.NaN,
      slot,
      size: steps > MOST_DOTS ? 0 : DOT,
    })),
  );
  // One that explodes would squeeze all others.
  const lasting = branches.filter(({ losses }) => losses.every(Number.isFinite));
  const seen = (lasting.length > 0 ? lasting : branches).flatMap(({ losses }) => [...losses]);
  const [low, high] = withoutOutliers(
    seen.filter(loss => isDrawable(loss, scale)),
    scale,
  );
  // A branch of one step stands in the middle.
  const xDomain: Range = steps > 1 ? [step + 1, step + steps] : [step, step + 2];
  return { points, xDomain, yDomain: yDomain(low, high, scale) };
}

function isDrawable(loss: number, scale: ScaleKind): boolean {
  return Number.isFinite(loss) && (scale === "linear" || loss > 0);
}

/** The loss of a branch in its step number `at`, from 0; as text. */
export function lossText({ losses }: Branch, at: number): string {
  const loss = losses[at];
  if (loss !== undefined) return formatValue(loss);
  return Number.isFinite(losses.at(-1) ?? Number.NaN) ? "–" : "ended";
}

/** How far they are, or how they ended, in words. */
export function describeBranches(known: Branches): string {
  const { step, steps, count, branches, isOver, problem } = known;
  if (problem) return problem;
  if (!isOver) {
    const taken = branches.at(-1)?.losses.length ?? 0;
    return `Branch ${Math.max(1, branches.length)} of ${count}, step ${taken} of ${steps}.`;
  }
  const ended = branches.map(({ lr, losses }) => ({
    rate: `η ${formatValue(lr)}`,
    taken: losses.length,
    loss: losses.at(-1) ?? Number.NaN,
  }));
  const [best] = ended
    .filter(({ loss }) => Number.isFinite(loss))
    .toSorted((a, b) => a.loss - b.loss);
  return [
    `From step ${step}, ${formatSteps(steps)} each.`,
    ...(best
      ? [`The lowest loss at the end, ${formatValue(best.loss)}, is that of ${best.rate}.`]
      : []),
    ...ended
      .filter(({ loss }) => !Number.isFinite(loss))
      .map(({ rate, taken }) => `At ${rate} the loss was not finite in step ${taken}.`),
    "The run stands where it stood.",
  ].join(" ");
}
