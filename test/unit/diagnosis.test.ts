/** The diagnosis on runs that are made of formulas. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  advisedRate,
  conclude,
  diagnose,
  startDiagnosis,
} from "../../runtime/insight/diagnosis/diagnose.ts";
import { LiveDiagnosis } from "../../runtime/insight/diagnosis/live.ts";
import type { RunPlan, StepRecord } from "../../runtime/insight/diagnosis/record.ts";
import { replay } from "../../runtime/insight/diagnosis/replay.ts";
import { Rules } from "../../runtime/insight/diagnosis/rules.ts";
import { NO_SIGNALS } from "../../runtime/insight/diagnosis/signals.ts";
import { readTrace } from "../../runtime/insight/diagnosis/trace.ts";
import { usualRate } from "../../runtime/insight/diagnosis/usualRate.ts";
import { OPTIMIZER_NAMES, type TensorRecord } from "../../runtime/protocol/run.ts";
import {
  STEP_COLUMNS,
  type StepBatch,
  type StepColumn,
  TENSOR_COLUMNS,
  type TensorColumn,
} from "../../runtime/protocol/steps.ts";

const PLAN: RunPlan = {
  usualRate: 0.01,
  momentum: 0,
  plannedSteps: 400,
  lr: 1e-3,
  scheduled: false,
  parameters: 10_000,
  pretrained: false,
  fromZero: false,
  resumed: false,
  guess: Number.NaN,
  group: 0,
};

/** A run whose travel goes by the law of runs that end well, times `factor`. */
function run(factor: number, steps = 400, change: Partial<StepRecord> = {}): StepRecord[] {
  return Array.from({ length: steps }, (_, t) => ({
    t,
    lr: 1e-3,
    loss: 2.3 * Math.exp((-3 * Math.min(1, factor) * t) / 400),
    gradNorm: 1,
    weightNorm: 10,
    updateNorm: factor * 0.25 * Math.min(1, ((t + 1) / 16) ** -0.6),
    travel: t === 0 ? 0 : 10 * factor * 10 ** (0.2 + 0.4 * Math.log10(t / 400)),
    tensors: 1,
    ...change,
  }));
}

function findingsOf(plan: Partial<RunPlan>, records: readonly StepRecord[]) {
  let state = startDiagnosis({ ...PLAN, ...plan });
  return records.flatMap(record => {
    const [next, findings] = diagnose(state, record);
    state = structuredClone(next);
    return findings;
  });
}

test("a run that goes as those that end well is silent", () => {
  expect(findingsOf({}, run(1))).toEqual([]);
});

test("a learning rate that is far too low is named early, with numbers and a higher one", () => {
  const [finding, ...others] = findingsOf({}, run(1e-3));
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ code: "lr.tooSmall", severity: "warning", state: "raised" });
  expect(finding?.since).toBeLessThan(40);
  expect(finding?.evidence.length).toBeGreaterThanOrEqual(2);
  expect(finding?.suggestion?.to).toBeGreaterThan(10 * PLAN.lr);
});

test("nobody knows how long a run will be: only what holds for every length is said", () => {
  const unknown = { plannedSteps: undefined };
  expect(findingsOf(unknown, run(0.2)).map(({ code }) => code)).toEqual([]);
  expect(findingsOf(unknown, run(1e-4)).map(({ code }) => code)).toEqual(["lr.tooSmall"]);
});

test("when the run is over its length is known: it is judged for that", () => {
  const atEnd = (factor: number, steps = 400) => {
    let state = startDiagnosis({ ...PLAN, plannedSteps: undefined });
    for (const record of run(factor, steps)) [state] = diagnose(state, record);
    return conclude(state, steps);
  };
  const [found, ...others] = atEnd(0.02);
  expect(others).toEqual([]);
  expect(found).toMatchObject({ code: "lr.tooSmall", severity: "warning", since: 400 });
  expect(found?.message).toMatch(/^The run took 400 steps\. /);
  expect(found?.suggestion?.to).toBeGreaterThan(2 * PLAN.lr);
  expect(atEnd(1)).toEqual([]);
  // What was told while it went is not told again, and a few steps are no training.
  expect(atEnd(1e-4)).toEqual([]);
  expect(atEnd(0.02, 90)).toEqual([]);
});

/** What is said of a run whose probabilities are always these: small, right, large. */
function foundBy(probabilities: readonly number[], plan = PLAN) {
  const card = { intercept: probabilities.map(Math.log), features: {} };
  let state = startDiagnosis(plan, card);
  return run(1).flatMap(record => {
    const [next, findings] = diagnose(state, record);
    state = next;
    return findings;
  });
}

test("what is wrong is by half a decade at the least", () => {
  // The travel and what is usual would have it five times as high.
  expect(foundBy([0.97, 0.02, 0.01])[0]?.suggestion?.to).toBe(0.0051);
  expect(foundBy([0.02, 0.04, 0.94])[0]?.suggestion?.to).toBe(0.00032);
});

test("what is less probable is said when it stays so", () => {
  const saidAt = (probabilities: readonly number[], plan = PLAN) =>
    foundBy(probabilities, plan)
      .slice(0, 1)
      .map(({ code, since }) => [code, since + 1]);
  // A checkpoint is every fourth step; the first with a suggestion is the 16th.
  expect(saidAt([0.97, 0.02, 0.01])).toEqual([["lr.tooSmall", 16]]);
  expect(saidAt([0.93, 0.05, 0.02])).toEqual([["lr.tooSmall", 16 + 3 * 4]]);
  expect(saidAt([0.83, 0.1, 0.07])).toEqual([["lr.tooSmall", 16 + 19 * 4]]);
  expect(saidAt([0.8, 0.12, 0.08])).toEqual([]);
  expect(saidAt([0.02, 0.04, 0.94])).toEqual([["lr.tooLarge", 16]]);
  expect(saidAt([0.02, 0.09, 0.89])).toEqual([["lr.tooLarge", 20]]);
  expect(saidAt([0.02, 0.12, 0.86])).toEqual([]);
  // Of a run whose length nobody knows it is every eighth.
  const unknown = { ...PLAN, plannedSteps: undefined };
  expect(saidAt([0.92, 0.06, 0.02], unknown)).toEqual([["lr.tooSmall", 24]]);
  expect(saidAt([0.86, 0.1, 0.04], unknown)).toEqual([["lr.tooSmall", 16 + 4 * 8]]);
  expect(saidAt([0.02, 0.12, 0.86], unknown)).toEqual([["lr.tooLarge", 40]]);
});

test("what is right is advised to be changed by no more than half a decade, and a schedule of Adam's rate asks for twice of it", () => {
  const advice = (probabilities: readonly number[], records = run(1)) => {
    const card = { intercept: probabilities.map(Math.log), features: {} };
    let state = startDiagnosis({ ...PLAN, scheduled: true }, card);
    for (const record of records) [state] = diagnose(state, record);
    return advisedRate(state) ?? Number.NaN;
  };
  const right = [0.02, 0.96, 0.02];
  expect(advice(right)).toBeCloseTo(1e-3 * Math.sqrt(10), 6);
  const small = [0.97, 0.02, 0.01];
  const falling = run(1).map(record => ({ ...record, lr: 1e-3 * (1 - 1e-6 * record.t) }));
  expect(advice(small, falling) / advice(small)).toBeCloseTo(2, 1);
});

test.each([{ pretrained: true }, { resumed: true }])("%j: it abstains", plan => {
  expect(findingsOf(plan, run(1e-4))).toEqual([]);
});

test("what the slope of the first step promised is evidence", () => {
  const [found] = findingsOf({ usualRate: undefined }, run(1e-4, 400, { gradNorm: 0.01 }));
  expect(found?.evidence).toContainEqual(
    expect.objectContaining({
      name: "promise of the first step",
      text: expect.stringMatching(/^By its slope the first step was to take \S+ % of the loss/),
    }),
  );
});

test("parameters that start at zero, optimizers that take turns: it abstains", () => {
  expect(findingsOf({}, run(1e-4, 400, { weightNorm: 0 }))).toEqual([]);
  const turns = run(1e-4).map(record => ({ ...record, tensors: record.t % 2 }));
  expect(findingsOf({}, turns)).toEqual([]);
});

test("a loss that is no number is an error, once", () => {
  const records = run(1).map(record =>
    record.t < 30 ? record : { ...record, loss: Number.NaN, gradNorm: Number.NaN },
  );
  expect(findingsOf({}, records)).toMatchObject([
    { code: "lr.diverging", severity: "error", since: 30, confidence: 1 },
  ]);
  const texts = findingsOf({}, records)[0]?.evidence.map(({ text }) => text);
  expect(texts?.slice(0, 2)).toEqual([
    "At step 30 the loss or its gradient is no longer a finite number.",
    "The last losses that were finite numbers were about 1.9.",
  ]);
});

/** A run that moves far too far and learns nothing. */
const tooFar = run(100).map(record => ({ ...record, loss: 2.2 + 0.1 * Math.sin(record.t) }));

test("where a schedule takes the learning rate down, only a loss that stays up is told", () => {
  expect(findingsOf({}, tooFar).map(({ code }) => code)).toEqual(["lr.tooLarge"]);
  const scheduled = (records: readonly StepRecord[]) => {
    const falling = records.map(record => ({ ...record, lr: 1e-3 * (1 - record.t / 400) }));
    return findingsOf({ scheduled: true }, falling).map(({ code }) => code);
  };
  expect(scheduled(tooFar)).toEqual([]);
  const lost = tooFar.map(({ t, ...record }) => ({
    t,
    ...record,
    loss: t === 0 ? 2.3 : 60 + (t % 7),
  }));
  expect(scheduled(lost)).toEqual(["lr.diverging"]);
});

test("a loss that jumps in the first steps and comes down is given time", () => {
  const jumping = run(1).map(record => ({
    ...record,
    loss: record.loss * (record.t > 0 && record.t < 12 ? 8 : 1),
    updateNorm: record.updateNorm * (record.t < 12 ? 10 : 1),
  }));
  expect(findingsOf({}, jumping)).toEqual([]);
});

test("a rate for gradient descent comes from the travel and from the fall that the first step's slope promises", () => {
  const sgd = { usualRate: undefined, plannedSteps: 400 };
  const at = (gradNorm: number, momentum = 0) =>
    findingsOf({ ...sgd, momentum }, run(0.01, 400, { gradNorm }))[0]?.suggestion?.to ?? Number.NaN;
  // A gradient of a hundredth promises a hundredth of the fall.
  expect(Math.log10(at(0.3) / at(30))).toBeCloseTo(2 * 0.7, 1);
  expect(Math.log10(at(0.3, 0.9) / at(30, 0.9))).toBeCloseTo(2 * 0.3, 1);
  expect(at(30)).toBeGreaterThan(3 * PLAN.lr);
});

test("what is lost before its travel can tell is told the rate of its first step", () => {
  const lostAt = (step: number, plan: Partial<RunPlan>, change: Partial<StepRecord> = {}) => {
    const records = run(1, 400, { lr: 3, updateNorm: 6, gradNorm: 2, ...change }).map(record =>
      record.t < step ? record : { ...record, loss: Number.NaN, gradNorm: 1e9 },
    );
    return findingsOf({ lr: 3, usualRate: undefined, ...plan }, records)[0]?.suggestion?.to;
  };
  // 9 % of 2.3 / 2²
  expect(lostAt(3, {})).toBeCloseTo(0.052, 3);
  expect(lostAt(3, { momentum: 0.9 })).toBeCloseTo(0.0052, 4);
  expect(lostAt(3, { usualRate: 0.01 })).toBeCloseTo(0.01, 4);
  // A rate that has lost is not told again; a slope that is none says nothing.
  expect(lostAt(3, {}, { gradNorm: 0.01, updateNorm: 0.03 })).toBe(0.95);
  expect(lostAt(3, {}, { loss: -1 })).toBeCloseTo(0.3, 3);
});

test("what is usual of an optimizer is known by its name", () => {
  const known = OPTIMIZER_NAMES.map(name => [name, usualRate(name)] as const);
  expect(Object.fromEntries(known)).toEqual({
    SGD: undefined,
    Adam: 0.01,
    AdamW: 0.01,
    NAdam: 0.01,
    RAdam: 0.01,
    Adagrad: 0.1,
    RMSprop: 0.01,
    Lion: 0.003,
    Muon: undefined,
    custom: undefined,
  });
});

test("a script that loses its run with Lion is told what is usual of it", () => {
  const diagnosis = new LiveDiagnosis(false);
  const lion = { optimizer: "Lion", momentum: true, adaptive: false } as const;
  diagnosis.tensors([{ name: "0.weight", shape: [2, 2], group: 0, sampled: 4, ...lion }]);
  const told = [2.3, 900, Number.NaN, Number.NaN, Number.NaN].flatMap((loss, i) => {
    const batch = batchOf({ loss, gradNorm: loss, weightNorm: 1, updateNorm: 6 }, 3);
    return diagnosis.steps({ ...batch, firstStep: i + 1 });
  });
  expect(told).toMatchObject([{ code: "lr.diverging", suggestion: { from: 3, to: 0.003 } }]);
});

test("a warm-up that begins at a rate of 0 has its first slope at the step behind", () => {
  const at = (first: Partial<StepRecord>) =>
    findingsOf({ usualRate: undefined, scheduled: true }, [
      { ...run(0.01)[0], ...first } as StepRecord,
      ...run(0.01).slice(1),
    ])[0]?.suggestion?.to;
  expect(at({ lr: 0, updateNorm: 0 })).toBeCloseTo(at({}) ?? Number.NaN, 2);
});

test("a trace replays to the verdict of its label", () => {
  const lines = [
    { type: "meta", scenario: "made", lr: 1e-3, optimizer: "adam", plannedSteps: 400 },
    ...run(1e-3).map(({ t, lr, loss, gradNorm: g, weightNorm: w, updateNorm: u, travel }) => ({
      t,
      lr,
      loss,
      g,
      w,
      u,
      travel,
    })),
  ].map(line => JSON.stringify(line));
  const [made] = [...readTrace(lines, "made.jsonl")];
  expect(made && replay(made)).toMatchObject({
    scenario: "made",
    lr: 1e-3,
    verdict: "small",
    at10: "small",
    at25: "small",
    findings: [{ code: "lr.tooSmall" }],
  });
});

test.each([
  ['{"t":0}', 'made.jsonl:1: expected a line of type "meta" before the first step'],
  ["{", "made.jsonl:1: not JSON"],
  ['{"type":"meta","lr":"x"}', 'made.jsonl:1: "lr" should be a number, got "x"'],
  ["", "made.jsonl: there is no run in it"],
])("a trace of %j is refused", (text, reason) => {
  expect(() => [...readTrace([text], "made.jsonl")]).toThrow(reason);
});

test("each rule has a heading in the page that explains them", async () => {
  const { FINDING_CODES } = await import("../../runtime/protocol/finding.ts");
  const page = readFileSync(new URL("../../docs/findings.md", import.meta.url), "utf8");
  const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual([...FINDING_CODES]);
});

test("a rule is told when it has held for a while, taken back when it has not, and told anew", () => {
  let isWrong = true;
  const symptom = {
    title: "Wrong",
    advice: "Mend it.",
    evidence: [
      { name: "a", value: 1, text: "One." },
      { name: "b", value: 2, text: "Two." },
    ],
    about: { type: "loop" },
  } as const;
  const rules = new Rules([
    {
      code: "data.overfitting",
      severity: "warning",
      patience: 3,
      look: () => (isWrong ? symptom : undefined),
    },
  ]);
  let seen = 0;
  const stepsOf = (count: number) =>
    Array.from({ length: count }, () => {
      const view = { t: seen + 1, seen: seen++, batch: batchOf({}), row: 0 };
      const rest = { tensors: [], groups: [], changes: [], signals: NO_SIGNALS, rate: undefined };
      return rules.step({ ...view, ...rest });
    }).flat();
  expect(stepsOf(10)).toEqual([]);
  const [first, ...others] = stepsOf(30);
  expect(others).toEqual([]);
  expect(first).toMatchObject({ state: "raised", since: 11, message: "One. Mend it." });
  isWrong = false;
  expect(stepsOf(10)).toEqual([]);
  expect(stepsOf(10)).toMatchObject([{ id: first?.id, state: "cleared" }]);
  isWrong = true;
  expect(stepsOf(15)).toMatchObject([{ state: "raised", id: "data.overfitting:2" }]);
  expect(rules.clear(99)).toMatchObject([{ id: "data.overfitting:2", state: "cleared", step: 99 }]);
});

test("an ε that a client has put right is judged anew", () => {
  const diagnosis = new LiveDiagnosis(false);
  const record: TensorRecord = {
    name: "0.weight",
    shape: [2, 2],
    group: 0,
    optimizer: "Adam",
    momentum: true,
    adaptive: true,
    sampled: 4,
  };
  diagnosis.tensors([record]);
  diagnosis.groups([{ group: 0, options: { eps: "1" } }]);
  const values: Partial<Record<TensorColumn, number>> = {
    nonFinite: 0,
    gradNorm: 1,
    weightNorm: 1,
    updateNorm: 1e-3,
  };
  const tensors = Float32Array.from(TENSOR_COLUMNS, name =>
    name === "epsDominated" ? 0.9 : (values[name] ?? 0),
  );
  let step = 0;
  const stepsOf = (count: number) =>
    Array.from({ length: count }, () => {
      const batch = { ...batchOf({}), firstStep: ++step, tensorCount: 1, tensors };
      return diagnosis.steps(batch).filter(({ code }) => code === "adam.epsilon");
    }).flat();
  expect(stepsOf(100)).toMatchObject([{ state: "raised", suggestion: { to: 1e-8 } }]);
  const change = { step: 101, group: 0, name: "eps", from: 1, to: 1e-8 } as const;
  expect(diagnosis.changed([change])).toMatchObject([{ code: "adam.epsilon", state: "cleared" }]);
  expect(stepsOf(100)).toEqual([]);
});

test("a run that goes back keeps what was told of the steps that are left, and no more", () => {
  const diagnosis = new LiveDiagnosis(false);
  diagnosis.untrainedLoss({ loss: "crossEntropy", classes: 10, value: Math.log(10) });
  let step = 0;
  const stepsOf = (count: number, lossAt: (step: number) => number, lr = 1e-3) =>
    Array.from({ length: count }, () => {
      const batch = batchOf({ loss: lossAt(++step), updateNorm: 1e-3, stepToWeight: 1e-3 }, lr);
      return diagnosis.steps({ ...batch, firstStep: step });
    })
      .flat()
      .filter(({ code }) => !code.startsWith("lr."));
  expect(stepsOf(10, () => 9)).toMatchObject([{ code: "init.loss", since: 1 }]);
  diagnosis.metrics([8, 9, 10].map(at => ({ name: "val/loss", value: 1, step: at, time: 0 })));
  const overfit = [20, 30, 40, 50, 60].map(at => ({
    name: "val/loss",
    value: 2,
    step: at,
    time: 0,
  }));
  stepsOf(20, () => 9);
  diagnosis.metrics(overfit);
  const told = stepsOf(40, at => 9 - at / 100);
  expect(told).toMatchObject([{ code: "data.overfitting", state: "raised" }]);
  // Back to step 20: the first loss was what it was, and what came later has not been.
  const over = diagnosis.restart(step, 20).filter(({ code }) => !code.startsWith("lr."));
  expect(over).toMatchObject([{ code: "data.overfitting", state: "cleared" }]);
  expect(stepsOf(40, () => 8)).toEqual([]);
  const change = { step, group: 0, name: "lr", from: 1e-3, to: 1e-2 } as const;
  const changed = diagnosis.changed([change]).filter(({ code }) => !code.startsWith("lr."));
  expect(changed).toMatchObject([{ code: "init.loss", state: "cleared" }]);
});

/** Steps as a recorder delivers them, of an optimizer whose tensors nobody knows. */
function batchOf(change: Partial<Record<StepColumn, number>>, lr = 1e-3): StepBatch {
  const values = { loss: 1, gradNorm: 1, weightNorm: 1, microBatches: 1, skipped: 0, ...change };
  const row = STEP_COLUMNS.map(name => (values as Partial<Record<StepColumn, number>>)[name] ?? 0);
  return {
    firstStep: 1,
    count: 1,
    groups: 1,
    tensorCount: 0,
    steps: Float64Array.from(row),
    lr: Float64Array.of(lr),
    tensors: new Float32Array(0),
  };
}

test("a step without a backward pass of its own is not judged: two optimizers share one", () => {
  const diagnosis = new LiveDiagnosis(false);
  expect(diagnosis.steps(batchOf({}))).toEqual([]);
  const second = batchOf({ loss: Number.NaN, microBatches: 0 });
  expect(diagnosis.steps({ ...second, firstStep: 2 })).toEqual([]);
});

test("a loop by hand has no rate that is known, so none is suggested in its place", () => {
  const diagnosis = new LiveDiagnosis(false);
  diagnosis.steps(batchOf({}, Number.NaN));
  const [found] = diagnosis.steps({ ...batchOf({ loss: Number.NaN }, Number.NaN), firstStep: 2 });
  expect(found?.code).toBe("lr.diverging");
  expect(found?.suggestion).toBeUndefined();
  expect(JSON.stringify(found)).not.toContain("NaN instead");
});

/** Steps of a run whose learning rate is far too low, as a recorder delivers them. */
function tooLow(diagnosis: LiveDiagnosis, first: number, count: number) {
  return Array.from({ length: count }, (_, i) =>
    diagnosis.steps({
      ...batchOf({ updateNorm: 1e-7, travel: 1e-7 }, 1e-6),
      firstStep: first + i,
    }),
  ).flat();
}

test("a grave fault of the loop takes the place of what is said of the learning rate", () => {
  const diagnosis = new LiveDiagnosis(false);
  const [low] = tooLow(diagnosis, 1, 60);
  expect(low?.code).toBe("lr.tooSmall");
  const fault = { type: "noBackward", steps: 3, tensors: 2 } as const;
  expect(diagnosis.fault(fault, 61, undefined)).toMatchObject([
    { id: low?.id, state: "superseded" },
    { code: "loop.backward", severity: "error", supersedes: low?.id },
  ]);
  expect(tooLow(diagnosis, 61, 60)).toEqual([]);
});

test("a learning rate that was changed while it ran takes back what was said of it, and is not judged", () => {
  const diagnosis = new LiveDiagnosis(false);
  const [low] = tooLow(diagnosis, 1, 60);
  const change = { step: 61, group: 0, from: 1e-6, to: 1e-5 };
  expect(diagnosis.changed([{ ...change, name: "eps" }])).toEqual([]);
  expect(diagnosis.changed([{ ...change, name: "lr" }])).toMatchObject([
    { id: low?.id, state: "cleared", step: 61 },
  ]);
  expect(tooLow(diagnosis, 61, 100)).toEqual([]);
  const [lost] = diagnosis.steps({ ...batchOf({ loss: Number.NaN }), firstStep: 161 });
  expect(lost).toMatchObject({ code: "lr.diverging" });
  expect(lost?.id).not.toBe(low?.id);
});
