/** What other learning rates would do from here, on the same batches. */
import type { ProbedLoop } from "./loop.ts";

export interface BranchProbeOptions {
  /** Times the rate that the script set. ⅓, 1, 3 and 10 by default. */
  readonly factors?: readonly number[];
  /** Steps of each branch. 25 by default. */
  readonly steps?: number;
}

export interface Branch {
  readonly factor: number;
  /** η of the first parameter group. */
  readonly lr: number;
  /** Loss of each step. */
  readonly losses: readonly number[];
  /** By how much the loss fell: the first less the mean of the last five; −∞ if it exploded. */
  readonly gain: number;
}

export interface BranchProbe {
  readonly branches: readonly Branch[];
  /**
   * Whether a larger rate than the script's gained more. If none did, the rate is not too small. The
   * reverse does not hold: over few steps larger rates often win that lose in the end.
   */
  readonly largerWins: boolean;
}

const LAST = 5;

/** Takes the branches one after the other; the loop stands where it stood afterwards. */
export async function branchProbe(
  loop: ProbedLoop,
  { factors = [1 / 3, 1, 3, 10], steps = 25 }: BranchProbeOptions = {},
): Promise<BranchProbe> {
  const branches: Branch[] = [];
  for (const factor of factors) {
    const lr = factor * loop.lr;
    const losses: number[] = [];
    while (losses.length < steps && losses.every(Number.isFinite)) {
      losses.push((await loop.step(lr)).loss);
    }
    loop.rewind();
    branches.push({ factor, lr, losses, gain: gainOf(losses) });
  }
  const own = branches.find(({ factor }) => factor === 1)?.gain ?? Number.NEGATIVE_INFINITY;
  const largerWins = branches.some(({ factor, gain }) => factor > 1 && gain > own);
  return { branches, largerWins };
}

function gainOf(losses: readonly number[]): number {
  const last = losses.slice(-LAST);
  const gain = (losses[0] ?? Number.NaN) - last.reduce((sum, loss) => sum + loss, 0) / last.length;
  return Number.isFinite(gain) ? gain : Number.NEGATIVE_INFINITY;
}
