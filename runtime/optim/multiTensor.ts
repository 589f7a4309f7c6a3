/** Optimizers that update all their parameters in one dispatch, and measure every step. */

import type { Memory } from "../checkpoint/parts.ts";
import { gpu } from "../gpu/device.ts";
import { flush, recordProgram } from "../graph/graph.ts";
import { withPhase } from "../graph/tape.ts";
import { gate } from "../insight/gate.ts";
import { observer } from "../insight/observer.ts";
import {
  OptimizerRecord,
  recordFence,
  recordStep,
  stepSubmitted,
  type TensorEvent,
} from "../insight/recorder.ts";
import { HYPER_WORDS, type UpdateRule } from "../kernels/optimizer.ts";
import { sampleCount } from "../kernels/statisticsQuantiles.ts";
import type { OptimizerName } from "../protocol/run.ts";
import { noGrad } from "../tensor/autograd.ts";
import { full } from "../tensor/creation.ts";
import { takeGradientNotes } from "../tensor/gradients.ts";
import { noteStep } from "../tensor/gradientUse.ts";
import { leaveToOptimizer } from "../tensor/handUpdates.ts";
import { hostValues } from "../tensor/hostValues.ts";
import { backwardTargets } from "../tensor/losses.ts";
import { formatShape, sameShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isTrained, noteTrained } from "../tensor/trained.ts";
import { Arena, CHUNK_FLOATS } from "./arena.ts";
import { noticeAwait } from "./awaited.ts";
import { type Closure, Optimizer, type OptimizerState, type ParamGroup } from "./optimizer.ts";
import { splitIntoArenas } from "./segments.ts";
import { type Guard, nameOf, ranges, type ScalarNodes, stepScalars } from "./stepScalars.ts";

/** A parameter, its group, and how often it was updated. */
interface Member<Options> {
  readonly parameter: Tensor;
  readonly group: ParamGroup<Options>;
  readonly groupIndex: number;
  /** Updates so far. */
  steps: number;
  /** Whether its running mean has begun. */
  hasMomentum: boolean;
}

/** What is known of a tensor at its next update. */
export interface Update {
  readonly parameter: Tensor;
  /** Number of this update, from 1. */
  readonly step: number;
  /** Whether its running mean has begun. */
  readonly hasMomentum: boolean;
}

/** Parameters that share an arena, in its order. */
interface Cohort<Options> {
  readonly arena: Arena;
  readonly members: readonly Member<Options>[];
}

/** State arrays by their names in PyTorch's state dicts. What is not here is not kept. */
const STATE_NAMES: Readonly<Record<string, string>> = {
  means: "exp_avg",
  squares: "exp_avg_sq",
  peaks: "max_exp_avg_sq",
  momenta: "momentum_buffer",
  sums: "sum",
  meanSquares: "square_avg",
  averages: "grad_avg",
};

/** State arrays that are running means of gradients. */
const MOMENTUM_NAMES = ["means", "momenta"];

/** Workgroups in one dimension of a dispatch. */
const MAX_WORKGROUPS = 65_535;

/** In a guarded step the kernel corrects for the number of steps: see UpdateRule. */
const UNBOUNDED = { step: Number.POSITIVE_INFINITY, hasMomentum: true };

let warned = false;

export abstract class MultiTensorOptimizer<
  Options extends { readonly lr: number },
> extends Optimizer<Options> {
  readonly #cohorts: Cohort<Options>[] = [];
  readonly #record = new OptimizerRecord();
  #placedGroups = 0;
  /** η of each group in the latest step. */
  #rates: readonly number[] = [];
  #isAwaited = true;
  /** Whether the GPU decides if a step is taken: once it has begun to, it keeps the count of them. */
  #isGuarded = false;

  /**
   * Updates the parameters that have a gradient. The update is queued by the call; the promise
   * resolves when the next step may begin.
   */
  override step(): Promise<void>;
  /**
   * Computes the loss first.
   * @param closure forgets the gradients, computes the loss, calls `backward()`, returns the loss.
   * @returns the loss.
   */
  override step(closure: Closure): Promise<Tensor>;
  override step(closure?: Closure): Promise<unknown> {
    return closure ? this.#stepWith(closure) : this.#step();
  }

  async #stepWith(closure: Closure): Promise<Tensor> {
    const loss = await closure();
    await this.#step();
    return loss;
  }

  /**
   * Takes the step if no gradient is not finite. Where the rule cannot do without the number of steps
   * taken, the host waits for the answer.
   * @internal
   */
  guardedStep(guard: Guard): Promise<void> {
    if (this.rule().correction !== undefined) {
      this.#isGuarded = true;
      return this.#step(guard);
    }
    return guard.found.item().then(found => {
      if (!found) return this.#step(guard);
      backwardTargets.take();
      takeGradientNotes();
      return undefined;
    });
  }

  #step(guard?: Guard): Promise<void> {
    if (!this.#isAwaited) warnOnce();
    this.#noteStep();
    withPhase("step", () => this.#placeGroups());
    const putBack = gate()?.before?.(this);
    const scalars = withPhase("step", () => {
      const losses = backwardTargets.take();
      const scalars = stepScalars(
        losses,
        this.paramGroups.flatMap(({ params }) => params),
        guard,
      );
      if (this.#isGuarded) this.#guardArenas(guard?.found ?? full([], 0));
      this.#recordUpdate(scalars, losses.length);
      return scalars;
    });
    putBack?.();
    flush(Object.values(scalars));
    this.#isAwaited = false;
    return noticeAwait(this.settled(), () => {
      this.#isAwaited = true;
    });
  }

  #noteStep(): void {
    const maximize = this.paramGroups.every(
      group => "maximize" in group && group.maximize === true,
    );
    noteStep(
      this,
      this.paramGroups.flatMap(({ params }) => params),
      maximize,
    );
  }

  /** Places of the groups among those of the run. @internal */
  get groupIndices(): readonly number[] {
    return this.#record.groups;
  }

  /**
   * Parameters and state, for a snapshot: also of an optimizer that has not taken a step yet.
   * @internal
   */
  memory(): readonly Memory[] {
    withPhase("step", () => {
      this.#placeGroups();
      for (const { arena } of this.#cohorts) arena.gatherParameters();
    });
    return this.#cohorts.flatMap(({ arena }) => arena.state);
  }

  override capture(): () => void {
    const putGroups = super.capture();
    const cohorts = this.#cohorts.map(({ arena, members }) => {
      const { isGuarded } = arena;
      return {
        arena,
        isGuarded,
        members: members.map(member => ({ member, before: { ...member } })),
      };
    });
    return () => {
      putGroups();
      for (const { arena, isGuarded, members } of cohorts) {
        for (const { member, before } of members) Object.assign(member, before);
        // The counts of an arena that was not guarded then are not in the snapshot.
        if (arena.isGuarded && !isGuarded) arena.guard(members.map(({ before }) => before.steps));
        arena.rewritten();
      }
      // The way is measured again from the place gone back to.
      this.#record.travel = 0;
    };
  }

  /** Whether a tensor of the run is one of this optimizer's. @internal */
  hasTensor(tensor: number): boolean {
    return this.#placeOf(tensor) !== undefined;
  }

  /**
   * What the latest step did to each element of a tensor of the run: |Δθ| / η, without decoupled decay,
   * and η. Undefined if the tensor had no gradient. To be called between two steps. @internal
   */
  stepSizes(tensor: number): { readonly sizes: Tensor; readonly lr: number } | undefined {
    const { cohort, place } = this.#placeOf(tensor) ?? {};
    const member = cohort?.members[place ?? -1];
    const sizes = cohort?.arena.stepSizes(place ?? -1);
    if (!member || !sizes) return undefined;
    const lr = this.#rates[this.paramGroups.indexOf(member.group)] ?? Number.NaN;
    return { sizes: new Tensor(sizes), lr };
  }

  #placeOf(tensor: number) {
    for (const [i, { first, tensors }] of this.#record.parts.entries()) {
      const cohort = this.#cohorts[i];
      const place = tensor - first;
      if (cohort && place >= 0 && place < tensors.length) return { cohort, place };
    }
    return undefined;
  }

  override stateDict(): OptimizerState {
    this.#placeGroups();
    const state: Record<string, Record<string, Tensor | number>> = {};
    this.#members().forEach(({ arena, member, place }, index) => {
      if (member.steps === 0) return;
      const arrays = this.#keptState(member.group).map(name => {
        const copy = noGrad(() => new Tensor(arena.readState(name, place)).clone().keep());
        return [STATE_NAMES[name], copy];
      });
      state[index] = {
        step: arena.isGuarded ? stepsTaken(arena, place) : member.steps,
        ...this.packScalars(member.parameter),
        ...Object.fromEntries(arrays),
      };
    });
    return { ...super.stateDict(), state };
  }

  override loadStateDict(dict: OptimizerState): void {
    super.loadStateDict(dict);
    if (Object.keys(dict.state).length > 0) {
      for (const parameter of this.paramGroups.flatMap(({ params }) => params))
        noteTrained(parameter);
    }
    this.#placeGroups();
    const rule = this.rule();
    this.#members().forEach(({ arena, member, place }, index) => {
      arena.setRule(rule);
      const saved = dict.state[index] ?? {};
      const scalars = scalarsOf(saved, index);
      member.steps = scalars.step ?? (Object.keys(saved).length > 0 ? 1 : 0);
      this.unpackScalars(member.parameter, scalars);
      for (const name of this.#keptState(member.group)) {
        const value = saved[STATE_NAMES[name] ?? ""];
        if (!(value instanceof Tensor)) continue;
        checkStateShape(STATE_NAMES[name] ?? "", index, value, member.parameter);
        arena.writeState(name, place, value.detach().node);
        if (MOMENTUM_NAMES.includes(name)) member.hasMomentum = true;
      }
    });
    flush();
    for (const { arena, members } of this.#cohorts) {
      if (arena.isGuarded) arena.guard(members.map(({ steps }) => steps));
    }
  }

  /** Numbers of a tensor that are kept with its state, by PyTorch's names. */
  protected packScalars(_parameter: Tensor): Readonly<Record<string, number>> {
    return {};
  }

  protected unpackScalars(_parameter: Tensor, _saved: Readonly<Record<string, number>>): void {}

  /** Computes what the rule needs beside gradient and state, before the update is recorded. */
  protected prepareTensor(_arena: Arena, _tensor: number, _group: ParamGroup<Options>): void {}

  /** Name in the record of a run. */
  protected abstract get kind(): OptimizerName;

  /** The rule that serves all groups as they are now. */
  protected abstract rule(): UpdateRule;

  /** The hyper-parameters of a tensor in its next update, in the order of the rule's words. */
  protected abstract hyper(group: ParamGroup<Options>, update: Update): readonly number[];

  /** The arrays of the rule's state that updates of this group use. */
  protected abstract stateOf(group: ParamGroup<Options>): readonly string[];

  #keepsMomentum(group: ParamGroup<Options>): boolean {
    return this.stateOf(group).some(name => MOMENTUM_NAMES.includes(name));
  }

  /** State arrays of a group that belong into a state dict. */
  #keptState(group: ParamGroup<Options>): string[] {
    return this.stateOf(group).filter(name => name in STATE_NAMES);
  }

  /** All parameters in the order of their groups, and where they are. */
  #members() {
    return this.#cohorts.flatMap(({ arena, members }) =>
      members.map((member, place) => ({ arena, member, place })),
    );
  }

  /** Gives groups that are new their places in arenas. */
  #placeGroups(): void {
    if (this.#placedGroups === this.paramGroups.length) return;
    const members: Member<Options>[] = [];
    for (const group of this.paramGroups.slice(this.#placedGroups)) {
      const groupIndex = this.#record.addGroup(group.lr);
      for (const parameter of group.params) {
        members.push({ parameter, group, groupIndex, steps: 0, hasMomentum: false });
        leaveToOptimizer(parameter);
      }
    }
    this.#placedGroups = this.paramGroups.length;

    const { maxBufferSize, maxStorageBufferBindingSize, maxUniformBufferBindingSize } =
      gpu.device.limits;
    const maxFloats = Math.min(
      maxBufferSize / 4,
      maxStorageBufferBindingSize / 4,
      MAX_WORKGROUPS * CHUNK_FLOATS,
    );
    const maxTensors = Math.floor(maxUniformBufferBindingSize / (HYPER_WORDS * 4));
    const sizes = members.map(({ parameter }) => parameter.numel);
    for (const indices of splitIntoArenas(sizes, maxFloats, maxTensors)) {
      this.#addCohort(indices.flatMap(i => members[i] ?? []));
    }
  }

  #addCohort(members: readonly Member<Options>[]): void {
    const rule = this.rule();
    const parameters = members.map(({ parameter }) => parameter);
    const arena = new Arena(parameters, rule, observer() !== undefined);
    const before = this.#cohorts.reduce((sum, cohort) => sum + cohort.members.length, 0);
    this.#cohorts.push({ arena, members });
    if (!arena.rows) return;
    const tensors = members.map(({ parameter, group, groupIndex }, i) => ({
      record: {
        name: nameOf(parameter) || `parameter ${before + i}`,
        shape: parameter.shape,
        group: groupIndex,
        optimizer: this.kind,
        momentum: this.#keepsMomentum(group),
        adaptive: rule.adaptive,
        sampled: sampleCount(parameter.numel),
        ...(isTrained(parameter) && { trained: true }),
      },
      elements: parameter.numel,
      originSquares: undefined,
    }));
    this.#record.addTensors(tensors, arena.rows, arena.histograms);
  }

  #recordUpdate(scalars: ScalarNodes, microBatches: number): void {
    const rule = this.rule();
    const events: TensorEvent[][] = [];
    this.#cohorts.forEach(({ arena, members }, c) => {
      arena.setRule(rule);
      arena.gatherParameters();
      const happened = members.map((member, i) => this.#prepare(arena, member, i));
      if (arena.rows) events.push(happened);
      const updated = happened.map(event => event.updated);
      const isLast = c === this.#cohorts.length - 1;
      const after = isLast ? this.#readback(arena, scalars, microBatches, events) : {};
      recordProgram(arena.program(updated, after));
      updated.forEach((isUpdated, i) => {
        if (isUpdated) arena.refresh(i);
      });
    });
  }

  /** Brings gradient and hyper-parameters of a tensor to the arena. */
  #prepare(arena: Arena, member: Member<Options>, i: number): TensorEvent {
    const { parameter, group, hasMomentum } = member;
    const updated = parameter.grad !== null;
    if (!updated) {
      arena.setHyper(i, undefined);
      return { updated, hasMomentum };
    }
    if (member.steps++ === 0) noteTrained(parameter);
    withPhase("backward", () => arena.gatherGradient(i));
    this.prepareTensor(arena, i, group);
    const update = this.#isGuarded ? UNBOUNDED : { step: member.steps, hasMomentum };
    arena.setHyper(i, this.hyper(group, { parameter, ...update }));
    member.hasMomentum = this.#keepsMomentum(group);
    return { updated, hasMomentum };
  }

  #guardArenas(skip: Tensor): void {
    for (const { arena, members } of this.#cohorts) {
      if (!arena.isGuarded) arena.guard(members.map(({ steps }) => steps));
      arena.setSkip(skip.node);
    }
  }

  #readback(arena: Arena, scalars: ScalarNodes, microBatches: number, events: TensorEvent[][]) {
    const rates = this.paramGroups.map(({ lr }) => lr);
    this.#rates = rates;
    return {
      encodeAfter: (encoder: GPUCommandEncoder): void => {
        if (events.length === 0) recordFence(encoder, arena.fence);
        else recordStep(encoder, this.#record, ranges(scalars), microBatches, events, rates);
      },
      afterSubmit: stepSubmitted,
    };
  }
}

/** Of a guarded arena, where the GPU has the count. */
function stepsTaken(arena: Arena, tensor: number): Tensor {
  return noGrad(() => new Tensor(arena.takenSteps).narrow(0, tensor, 1).narrow(1, 1, 1))
    .reshape()
    .clone()
    .keep();
}

/** The numbers of a tensor's saved state; PyTorch saves `step` as a tensor. */
function scalarsOf(
  saved: Readonly<Record<string, Tensor | number>>,
  index: number,
): Record<string, number> {
  const scalars: Record<string, number> = {};
  for (const [name, value] of Object.entries(saved)) {
    if (typeof value === "number") scalars[name] = value;
    else if (!Object.values(STATE_NAMES).includes(name)) {
      const [number] = hostValues(value) ?? [];
      if (number === undefined) {
        throw new TypeError(
          `loadStateDict: ${name} of parameter ${index} is a tensor that was computed. Pass a ` +
            `number: await ${name}.item()`,
        );
      }
      scalars[name] = number;
    }
  }
  return scalars;
}

function checkStateShape(name: string, index: number, value: Tensor, parameter: Tensor): void {
  if (sameShape(value.shape, parameter.shape)) return;
  throw new RangeError(
    `loadStateDict: ${name} of parameter ${index} has shape ${formatShape(value.shape)}, but the ` +
      `parameter ${formatShape(parameter.shape)}`,
  );
}

function warnOnce(): void {
  if (warned) return;
  warned = true;
  console.warn(
    "optimizer.step() was called without await. The numbers are the same, but the loop cannot be " +
      "watched or stopped between its steps: write `await optimizer.step()`.",
  );
}
