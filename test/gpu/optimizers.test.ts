/** One and three steps of every optimizer against PyTorch, and what the instruments say of them. */
import { afterAll, describe, expect, test } from "vitest";
import { nn, type optim } from "../../runtime/index.ts";
import { deafObserver, observe } from "../../runtime/insight/observer.ts";
import { drain } from "../../runtime/insight/recorder.ts";
import type { TensorRecord } from "../../runtime/protocol/run.ts";
import {
  type StepBatch,
  type StepColumn,
  stepValue,
  type TensorColumn,
  tensorValue,
} from "../../runtime/protocol/steps.ts";
import { expectClose } from "./close.ts";
import { decode, type Encoded, numeric, readFixture, required } from "./fixture.ts";
import { load, makeOptimizer, network } from "./network.ts";

type State = Readonly<Record<string, Encoded>>;

interface Spread {
  readonly min: number;
  readonly p5: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  readonly rms: number;
}

/** Numbers that JSON lacks are strings there. */
type Numeric = number | "nan";

interface Measured {
  readonly loss: number;
  readonly gradNorm: number;
  readonly weightNorm: number;
  readonly updateNorm: number;
  readonly stepToWeight: number;
  readonly travel: number;
  readonly adamGain: Numeric;
  readonly tensors: Readonly<Record<string, MeasuredTensor>>;
}

interface MeasuredTensor {
  readonly gradNorm: number;
  readonly weightNorm: number;
  readonly updateNorm: number;
  readonly stepToWeight: number;
  readonly signFlips: Numeric;
  readonly epsDominated: Numeric;
  readonly nonFinite: number;
  readonly effectiveLr: Spread;
  readonly stepSize: Spread;
}

interface Run {
  readonly name: string;
  readonly optimizer: string;
  readonly options: Partial<optim.SGDOptions> & { readonly lr: number };
  readonly steps: readonly Measured[];
  readonly grads: State;
  readonly afterOne: State;
  readonly afterThree: State;
}

const { torch, sizes, start, inputs, targets, runs } = readFixture<{
  sizes: readonly number[];
  start: State;
  inputs: Encoded;
  targets: Encoded;
  runs: readonly Run[];
}>("optimizers");

/**
 * What the instruments report for the run that is compared now. Tensors and groups of the runs
 * before it stay: its own are the last ones.
 */
class Recording {
  tensors: readonly TensorRecord[] = [];
  readonly batches: StepBatch[] = [];

  /** The batch that holds a step, counted from 0 within this run, and its row there. */
  find(step: number): { batch: StepBatch; row: number } {
    let row = step;
    for (const batch of this.batches) {
      if (row < batch.count) return { batch, row };
      row -= batch.count;
    }
    throw new Error(`step ${step} was not reported`);
  }
}

let recording = new Recording();
observe({
  ...deafObserver,
  tensors: records => {
    recording.tensors = records;
  },
  steps: batch => {
    recording.batches.push(batch);
  },
});
afterAll(() => observe(undefined));

const NORM = { relative: 1e-4, absolute: 1e-9 };
const PERCENTILE = { relative: 0.02, absolute: 1e-9 };

describe(`PyTorch ${torch}`, () => {
  test.each(runs)("$name", async run => {
    recording = new Recording();
    const model = network(sizes, () => new nn.ReLU());
    load(model, start);
    const optimizer = makeOptimizer(run.optimizer, model.parameters(), run.options);
    const lossFn = new nn.CrossEntropyLoss();
    const [x, y] = [decode(inputs), decode(targets)];
    for (const [step, measured] of run.steps.entries()) {
      const loss = lossFn.forward(model.forward(x), y);
      optimizer.zeroGrad();
      loss.backward();
      expectClose("loss", [await loss.item()], [measured.loss]);
      if (step === 0) await compareGradients(model, run.grads);
      await optimizer.step();
      if (step === 0) await compareParameters(model, run.afterOne);
    }
    await compareParameters(model, run.afterThree);
    await drain();
    const names = Object.keys(start);
    expect(recording.tensors.slice(-names.length).map(({ name }) => name)).toEqual(names);
    for (const [step, measured] of run.steps.entries()) compareStep(step, measured, run.options.lr);
  });
});

async function compareGradients(model: nn.Module, expected: State): Promise<void> {
  for (const [name, parameter] of model.namedParameters()) {
    const actual = await required(parameter.grad).data();
    expectClose(`gradient of ${name}`, actual, required(expected[name]).data.map(numeric));
  }
}

async function compareParameters(model: nn.Module, expected: State): Promise<void> {
  for (const [name, parameter] of model.namedParameters()) {
    expectClose(name, await parameter.data(), required(expected[name]).data.map(numeric));
  }
}

function compareStep(step: number, measured: Measured, lr: number): void {
  const { batch, row } = recording.find(step);
  const overall: StepColumn[] = [
    "loss",
    "gradNorm",
    "weightNorm",
    "updateNorm",
    "stepToWeight",
    "travel",
    "adamGain",
  ];
  for (const column of overall) {
    const expected = measured[column as keyof Omit<Measured, "tensors">];
    expectClose(
      `${column} of step ${step}`,
      [stepValue(batch, row, column)],
      [numeric(expected)],
      NORM,
    );
  }
  expectClose("lr", [required(batch.lr[(row + 1) * batch.groups - 1])], [lr]);
  const tensors = Object.entries(measured.tensors);
  const first = batch.tensorCount - tensors.length;
  for (const [i, [name, tensor]] of tensors.entries()) {
    const value = (column: TensorColumn) => tensorValue(batch, row, first + i, column);
    compareTensor(`step ${step}, ${name}`, tensor, value);
  }
}

function compareTensor(
  what: string,
  expected: MeasuredTensor,
  value: (column: TensorColumn) => number,
): void {
  for (const column of ["gradNorm", "weightNorm", "updateNorm", "stepToWeight"] as const) {
    expectClose(`${what}: ${column}`, [value(column)], [expected[column]], NORM);
  }
  for (const column of ["signFlips", "epsDominated"] as const) {
    expectClose(`${what}: ${column}`, [value(column)], [numeric(expected[column])]);
  }
  expect(value("nonFinite"), `${what}: nonFinite`).toBe(expected.nonFinite);
  for (const quantity of ["effectiveLr", "stepSize"] as const) {
    const spread = expected[quantity];
    const name = (part: string) => `${what}: ${quantity} ${part}`;
    expectClose(name("min"), [value(`${quantity}Min`)], [spread.min], NORM);
    expectClose(name("max"), [value(`${quantity}Max`)], [spread.max], NORM);
    expectClose(name("rms"), [value(`${quantity}Rms`)], [spread.rms], NORM);
    expectClose(name("p5"), [value(`${quantity}P5`)], [spread.p5], PERCENTILE);
    expectClose(name("p50"), [value(`${quantity}P50`)], [spread.p50], PERCENTILE);
    expectClose(name("p95"), [value(`${quantity}P95`)], [spread.p95], PERCENTILE);
  }
}
