/** Learning rates that are tried from the place at which a loop is held: a branch of the run for each. */
import type { SetOption } from "./control.ts";

/** What η is multiplied by where nobody says otherwise, and the steps of each branch. */
export const BRANCH_FACTORS: readonly number[] = [0.25, 0.5, 1, 2, 4];
export const BRANCH_STEPS = 20;

/** As many curves as can be told apart, and as many steps as one waits for. */
export const MOST_BRANCHES = 7;
export const MOST_BRANCH_STEPS = 1000;

/** Why rates cannot be tried; undefined if they can. */
export function branchObjection(factors: readonly number[], steps: number): string | undefined {
  if (factors.length === 0 || factors.length > MOST_BRANCHES) {
    return `One to ${MOST_BRANCHES} factors of η can be tried, such as ${BRANCH_FACTORS.join(" ")}.`;
  }
  if (!factors.every(factor => Number.isFinite(factor) && factor > 0)) {
    return "Each factor of η has to be a number above 0, such as 0.5 or 2.";
  }
  if (new Set(factors).size < factors.length) return "Each factor of η is tried once.";
  if (!Number.isSafeInteger(steps) || steps < 1 || steps > MOST_BRANCH_STEPS) {
    return `A branch has 1 to ${MOST_BRANCH_STEPS} steps.`;
  }
  return undefined;
}

/** The numbers of a list as one types it: apart by spaces or commas, with or without ×. NaN for what is none. */
export function parseFactors(text: string): number[] {
  const words = text.split(/[\s,;×]+/).filter(word => word !== "");
  return words.map(Number);
}

/** A rate that is tried, as far as that has come. */
export interface Branch {
  readonly factor: number;
  /** η of the first parameter group of the run in its first step. */
  readonly lr: number;
  /** Of each step; the last one is not finite where it ended for that. */
  readonly losses: Float64Array;
  /** What makes the run go on like it. */
  readonly changes: readonly SetOption[];
}

/** The branches from one place, as far as they are known. */
export interface Branches {
  /** Step behind which the loop is held. */
  readonly step: number;
  /** Steps that each is to have, and how many branches there are to be. */
  readonly steps: number;
  readonly count: number;
  /** Those that have taken a step, in the order in which they were asked for. */
  readonly branches: readonly Branch[];
  /** The loop is held again, where it was. */
  readonly isOver: boolean;
  /** Why they end before. */
  readonly problem?: string;
}
