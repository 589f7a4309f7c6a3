/**
 * Steps that a script makes by hand, measured through what they change: loss, gradient, weights,
 * update and travel; the step size is |Δθ|. What only an optimizer knows (η) is NaN.
 */
import { createBuffer } from "../gpu/device.ts";
import { type BufferRange, STORAGE_USAGE, Storage } from "../gpu/storage.ts";
import { assign, flush, recordProgram } from "../graph/graph.ts";
import { leafNode } from "../graph/node.ts";
import { withPhase } from "../graph/tape.ts";
import { beginPhases } from "../insight/phaseClock.ts";
import {
  type MeasuredTensors,
  OptimizerRecord,
  recordStep,
  stepSubmitted,
} from "../insight/recorder.ts";
import { ROW, ROW_WORDS } from "../kernels/statistics.ts";
import { withGrad } from "../tensor/autograd.ts";
import { zeros } from "../tensor/creation.ts";
import { noteHandStep } from "../tensor/gradientUse.ts";
import { type HandUpdate, onHandUpdates } from "../tensor/handUpdates.ts";
import { stack } from "../tensor/joining.ts";
import { backwardTargets } from "../tensor/losses.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isTrained, noteTrained } from "../tensor/trained.ts";
import { nameOf, ranges, stepScalars } from "./stepScalars.ts";

/** A parameter that was updated by hand before. */
interface Known {
  /** Its, and that of the parameters that were first updated together with it. */
  readonly optimizer: OptimizerRecord;
  /** η of its group, which nobody knows. */
  readonly group: number;
  /** θ₀ */
  readonly origin: Tensor;
  readonly measured: MeasuredTensors;
  readonly row: Storage;
}

const known = new WeakMap<Tensor, Known>();
let entered = 0;

onHandUpdates(updates => withGrad(false, () => withPhase("step", () => recordUpdates(updates))));

function recordUpdates(updates: ReadonlyMap<Tensor, HandUpdate>): void {
  const one = [...updates.keys()].flatMap(parameter => known.get(parameter) ?? [])[0];
  const optimizer = one?.optimizer ?? new OptimizerRecord();
  const group = one?.group ?? optimizer.addGroup(Number.NaN);
  const parts = [...updates].map(([parameter, update]) => {
    const { origin, measured, row } =
      known.get(parameter) ?? enter(parameter, update.before, optimizer, group);
    const words = rowOf(parameter.detach(), origin, update);
    assign(leafNode(row, words.shape, words.dtype), words.node);
    return measured;
  });
  noteHandStep(optimizer, [...updates.keys()]);
  const losses = backwardTargets.take();
  const scalars = stepScalars(losses, [...updates.keys()]);
  const events = parts.map(() => [{ updated: true, hasMomentum: false }]);
  recordProgram({
    key: "step by hand",
    dispatches: () => [],
    scalars: new Uint32Array(4),
    writes: [],
    encodeAfter: encoder => {
      // It ends with the next `backward()`: nobody knows where the step was over.
      beginPhases(performance.now());
      recordStep(encoder, optimizer, ranges(scalars), losses.length, events, [Number.NaN], parts);
    },
    afterSubmit: stepSubmitted,
  });
  flush(Object.values(scalars));
}

/** The row of kernels/statistics.ts of a tensor, as far as it is known, all words as floats. */
function rowOf(now: Tensor, origin: Tensor, update: HandUpdate): Tensor {
  const size = now.sub(update.before).abs();
  const updateSquares = size.square().sum();
  const words: Readonly<Record<number, Tensor>> = {
    [ROW.gradSquares]: update.gradSquares,
    [ROW.weightSquares]: update.weightSquares,
    [ROW.updateSquares]: updateSquares,
    [ROW.travelSquares]: now.sub(origin).square().sum(),
    [ROW.stepSquares]: updateSquares,
    [ROW.stepMin]: size.min(),
    [ROW.stepMax]: size.max(),
    [ROW.nonFinite]: update.nonFinite,
  };
  const nothing = zeros([]);
  return stack(Array.from({ length: ROW_WORDS }, (_, word) => words[word] ?? nothing));
}

function enter(
  parameter: Tensor,
  before: Tensor,
  optimizer: OptimizerRecord,
  group: number,
): Known {
  const size = ROW_WORDS * 4;
  const buffer = createBuffer(size, STORAGE_USAGE, "statistics of a tensor updated by hand");
  const rows: BufferRange = { buffer, offset: 0, size };
  const tensor = {
    record: {
      name: nameOf(parameter) || `parameter ${entered}`,
      shape: parameter.shape,
      group,
      optimizer: "custom" as const,
      momentum: false,
      adaptive: false,
      sampled: 0,
      ...(isTrained(parameter) && { trained: true }),
    },
    elements: parameter.numel,
    originSquares: undefined,
  };
  const newcomer = {
    optimizer,
    group,
    origin: before.keep(),
    measured: optimizer.addTensors([tensor], rows),
    row: new Storage(rows, true),
  };
  known.set(parameter, newcomer);
  noteTrained(parameter);
  entered++;
  return newcomer;
}
