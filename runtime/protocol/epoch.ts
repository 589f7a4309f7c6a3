/** Passes over the data. */

/**
 * Seconds until the pass ends that is under way. NaN where that is not known, or it has just ended.
 * @param epoch passes so far, with the fraction of the current one.
 * @param epochsPerSecond of late.
 */
export function secondsLeftInEpoch(epoch: number, epochsPerSecond: number): number {
  const left = Math.ceil(epoch) - epoch;
  return left > 0 && epochsPerSecond > 0 ? left / epochsPerSecond : Number.NaN;
}
