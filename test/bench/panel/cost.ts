/** What recording costs a loop: stretches of steps with it and without, in turns, in one process. */
import { startRecorder } from "./recorder.ts";
import { MadeUpRun } from "./series.ts";

/** Steps of a stretch, and of a readback. */
const STRETCH = 1000;
const BATCH = 50;

/** Numbers that a step adds up: about as many as a processor does in a millisecond. */
const WORK = 800_000;

/** Shares of a stretch's time by which those that are recorded take longer, one for each pair. */
export async function recordingCost(
  script: string,
  tensors: number,
  pairs: number,
): Promise<readonly number[]> {
  const run = new MadeUpRun(tensors);
  const { link } = startRecorder(script);
  link.send({ type: "tensors", tensors: run.tensors });
  let next = 1;
  const stretch = (isRecorded: boolean): number => {
    const start = performance.now();
    for (let step = 0; step < STRETCH; step += BATCH) {
      for (let i = 0; i < BATCH; i++) work();
      // The rows are read back in any case.
      const batch = run.batch(next, BATCH);
      if (!isRecorded) continue;
      link.steps(batch);
      next += BATCH;
    }
    return performance.now() - start;
  };
  stretch(true);
  const shares = Array.from({ length: pairs }, (_, i) => {
    // What is first of two is not always the same.
    const first = stretch(i % 2 === 0);
    const second = stretch(i % 2 !== 0);
    const [on, off] = i % 2 === 0 ? [first, second] : [second, first];
    return on / off - 1;
  });
  link.end({ status: "completed" });
  return shares;
}

let sum = 0;

function work(): void {
  for (let i = 0; i < WORK; i++) sum = (sum + i) | 0;
}
