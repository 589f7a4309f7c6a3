/** Columns of a tensor from the words of its row. */
import { expect, test } from "vitest";
import { decodeRow, type RowContext, type Totals } from "../../runtime/insight/rows.ts";
import { ROW, ROW_WORDS } from "../../runtime/kernels/statistics.ts";
import { TENSOR_COLUMNS, type TensorColumn } from "../../runtime/protocol/steps.ts";

const CONTEXT: RowContext = {
  elements: 4,
  lr: 0.5,
  updated: true,
  adaptive: true,
  byHand: false,
  hasMomentum: true,
};

function decode(floats: Partial<Record<keyof typeof ROW, number>>, context: Partial<RowContext>) {
  const words = new Uint32Array(ROW_WORDS);
  const values = new Float32Array(words.buffer);
  for (const [name, value] of Object.entries(floats)) {
    const isCount = ["signFlips", "epsDominated", "nonFinite"].includes(name);
    (isCount ? words : values)[ROW[name as keyof typeof ROW]] = value;
  }
  const totals: Totals = {
    gradSquares: 0,
    weightSquares: 0,
    updateSquares: 0,
    travelSquares: 0,
    gainSquares: 0,
    gainElements: 0,
  };
  const out = new Float32Array(TENSOR_COLUMNS.length);
  decodeRow(words, values, 0, { ...CONTEXT, ...context }, totals, out, 0);
  const columns = Object.fromEntries(TENSOR_COLUMNS.map((name, i) => [name, out[i]]));
  return { columns: columns as Record<TensorColumn, number>, totals };
}

test("scales effective learning rate and step size by η, norms not", () => {
  const { columns, totals } = decode(
    {
      gradSquares: 9,
      rateMin: 2,
      rateP50: 4,
      rateSquares: 64,
      stepMax: 3,
      stepSquares: 4,
      signFlips: 1,
    },
    {},
  );
  expect(columns).toMatchObject({
    gradNorm: 3,
    effectiveLrMin: 1,
    effectiveLrP50: 2,
    effectiveLrRms: 2,
    stepSizeMax: 1.5,
    stepSizeRms: 0.5,
    signFlips: 0.25,
  });
  expect(totals).toMatchObject({ gradSquares: 9, gainSquares: 4, gainElements: 4 });
});

test("makes NaN of extremes and percentiles beside a NaN, and leaves infinity", () => {
  const { columns } = decode(
    {
      stepSquares: Number.NaN,
      stepMin: 1,
      stepP50: 1,
      rateSquares: Number.POSITIVE_INFINITY,
      rateMin: 1,
    },
    {},
  );
  expect(columns.stepSizeMin).toBeNaN();
  expect(columns.stepSizeP50).toBeNaN();
  expect(columns.stepSizeRms).toBeNaN();
  expect(columns.effectiveLrMin).toBe(0.5);
  expect(columns.effectiveLrRms).toBe(Number.POSITIVE_INFINITY);
});

test("leaves undefined what the optimizer or the step does not define", () => {
  const sgd = decode(
    { stepSquares: 1, rateMin: 3 },
    { adaptive: false, byHand: false, hasMomentum: false },
  ).columns;
  expect(sgd.signFlips).toBeNaN();
  expect(sgd.epsDominated).toBeNaN();
  expect([sgd.effectiveLrMin, sgd.effectiveLrP95, sgd.effectiveLrRms]).toEqual([1.5, 1.5, 1.5]);

  const still = decode({ weightSquares: 4, gradSquares: 1, updateSquares: 7 }, { updated: false });
  expect(still.columns).toMatchObject({ weightNorm: 2, updateNorm: 0, stepToWeight: 0 });
  expect(still.columns.gradNorm).toBeNaN();
  expect(still.columns.stepSizeMax).toBeNaN();
  expect(still.totals).toMatchObject({ gradSquares: 0, updateSquares: 0 });
});
