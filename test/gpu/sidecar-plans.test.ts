/** What is planned of a run's learning rates is told before its first step, and stays with it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { plannedRate } from "../../runtime/protocol/plannedRates.ts";
import { LOOP, TrainingProject } from "./training-project.ts";

let project: TrainingProject;

beforeAll(() => {
  project = new TrainingProject();
});

afterAll(() => project.end());

test("the plan is told before the first step, multiplied as the run's learning rate is, and stored", async () => {
  project.write(
    "planned.ts",
    `${LOOP}
const schedule = optim.lrScheduler.warmupCosine(optimizer, { warmupSteps: 10, totalSteps: 80 });
await new Promise(resolve => setTimeout(resolve, 300));
for (let i = 0; i < 60; i++) {
  await steps(1);
  schedule.step();
}`,
  );
  const run = await project.run("planned.ts", { overrides: { lr: 0.02 } });
  const told = run.messages.findIndex(
    message => message.type === "run" && message.run.planned !== undefined,
  );
  const first = run.messages.findIndex(({ type }) => type === "steps");
  expect(told).toBeGreaterThanOrEqual(0);
  expect(told).toBeLessThan(first);
  expect(run.record.status).toBe("completed");
  const [plan] = run.stored().record.planned ?? [];
  const rates = run.batches.flatMap(({ lr }) => [...lr]);
  expect(rates).toHaveLength(60);
  expect([plan?.steps[0], plan?.steps.at(-1), plan?.isOpen]).toEqual([1, 80, false]);
  rates.forEach((rate, i) => {
    const planned = plan ? plannedRate(plan, i + 1) : Number.NaN;
    expect(Math.abs(planned / rate - 1), `step ${i + 1}`).toBeLessThan(1.001e-3);
  });
  // 0.02 in the place of the script's 0.1.
  expect(Math.max(...rates)).toBeCloseTo(0.02, 12);
});
