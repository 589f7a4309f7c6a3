/** Diagnoses a run while it is recorded: from the batches of its steps. */

import type { ChangeRecord } from "../../protocol/control.ts";
import type { Finding } from "../../protocol/finding.ts";
import type { LoopFault } from "../../protocol/loopFault.ts";
import type { MetricRecord } from "../../protocol/metric.ts";
import type { GroupRecord, SourceLocation, TensorRecord } from "../../protocol/run.ts";
import { type StepBatch, stepValue, tensorValue } from "../../protocol/steps.ts";
import type { UntrainedLoss } from "../../protocol/untrainedLoss.ts";
import { NoisyBatch } from "./batchRule.ts";
import { conclude, type DiagnosisState, diagnose, startDiagnosis } from "./diagnose.ts";
import { findingOf } from "./faults.ts";
import { HighFirstLoss } from "./firstLoss.ts";
import { NoBetterThanGuess } from "./guess.ts";
import { Overfitting } from "./overfitting.ts";
import { type RunPlan, type StepRecord, USUAL_MOMENTUM } from "./record.ts";
import { Rules, type StepView } from "./rules.ts";
import { scheduleRules } from "./scheduleRules.ts";
import { tensorRules } from "./tensorRules.ts";
import { unitRules } from "./unitRules.ts";
import { usualRate } from "./usualRate.ts";
import { KNOWING, objection } from "./verdict.ts";

/** Steps in a row that are not finite, from which none will be. */
const LOST_STEPS = 3;

export class LiveDiagnosis {
  #tensors: readonly TensorRecord[] = [];
  #groups: readonly GroupRecord[] = [];
  #changes: readonly ChangeRecord[] = [];
  #state: DiagnosisState | undefined;
  /** ‖θ₀‖ of the optimizer's parameters. */
  #origin = Number.NaN;
  /** The parameters began somewhere else: at a checkpoint, or with another learning rate. */
  #isOnItsWay: boolean;
  /** Place of the first tensor of the optimizer that is judged, and how many any has updated so far. */
  #firstTensor = 0;
  #tensorsSeen = 0;
  /** Findings of the learning rate before it was changed. */
  #raised = 0;
  #isBroken = false;
  /** What was said of a step that has been taken back. */
  #located: Finding | undefined;
  #firstLoss = new HighFirstLoss();
  readonly #guess = new NoBetterThanGuess();
  #overfitting = new Overfitting();
  #rules = this.#newRules();
  #lastStep = 0;
  /** Steps that the rules have seen. */
  #seen = 0;

  constructor(resumed: boolean) {
    this.#isOnItsWay = resumed;
  }

  /** The tensors that later batches have rows of. */
  tensors(tensors: readonly TensorRecord[]): void {
    this.#tensors = tensors;
  }

  /** What the parameter groups were made with. */
  groups(groups: readonly GroupRecord[]): void {
    this.#groups = groups;
  }

  /** What the script has logged. */
  metrics(metrics: readonly MetricRecord[]): void {
    this.#overfitting.metrics(metrics);
  }

  /** What the first loss is, if the model knows nothing. */
  untrainedLoss(loss: UntrainedLoss): void {
    this.#firstLoss.expected = loss;
    this.#guess.expected = loss;
  }

  /** Step of the first number that is not finite, since the diagnosis began anew. */
  get nonFiniteAt(): number | undefined {
    return this.#state?.signals.nonFiniteAt;
  }

  /** That step, where it was no accident of a batch: no step since has been finite. */
  get lostAt(): number | undefined {
    const last = this.#state?.signals.recent.slice(-LOST_STEPS) ?? [];
    return last.length === LOST_STEPS && last.every(Number.isNaN) ? this.nonFiniteAt : undefined;
  }

  /** Why nothing is said of the learning rate; empty where it is judged. */
  get unjudged(): string {
    if (!this.#state || this.#isBroken) return "";
    return objection(this.#state.signals, this.#state.plan) ?? "";
  }

  /** Takes in what is certainly wrong in the loop. Where it is grave, no learning rate is judged. */
  fault(fault: LoopFault, step: number, location: SourceLocation | undefined): readonly Finding[] {
    const finding = findingOf(fault, step, location);
    if (fault.type === "nonFinite") this.#located = finding;
    if (finding.severity !== "error" || fault.type === "nonFinite") return [finding];
    this.#isBroken = true;
    const open = this.#state?.finding;
    if (!open || open.severity === "error") return [finding];
    return [
      { ...open, state: "superseded", step },
      { ...finding, supersedes: open.id },
    ];
  }

  /** Takes in what a client has changed: what was said of the value before is void. */
  changed(changes: readonly ChangeRecord[]): readonly Finding[] {
    const before = this.#changes;
    this.#changes = changes;
    const step = changes.at(-1)?.step ?? 1;
    const rates = (all: readonly ChangeRecord[]) => all.filter(({ name }) => name === "lr").length;
    if (rates(changes) !== rates(before)) return this.restart(step);
    return changes.length === before.length ? [] : this.#restartRules(step);
  }

  /**
   * Forgets what it has seen: from this step on the run is another one. Faults of the loop stay: they are the script's.
   * @param to the step behind which the run goes on, where it went back: what the rules had said by then stays, too.
   * @returns what is said no more.
   */
  restart(step: number, to?: number): readonly Finding[] {
    const open = this.#state?.finding;
    this.#raised = this.#state?.raised ?? this.#raised;
    this.#state = undefined;
    this.#isOnItsWay = true;
    const wasTold = open && (!this.#isBroken || open.severity === "error");
    const over = [wasTold ? open : undefined, this.#located].filter(each => each !== undefined);
    this.#located = undefined;
    const cleared = over.map((finding): Finding => ({ ...finding, state: "cleared", step }));
    return [...cleared, ...this.#restartRules(step, to)];
  }

  /** The script has come to its end by itself. Returns what is to be said of the run as a whole. */
  completed(): readonly Finding[] {
    return this.#state && !this.#isBroken ? conclude(this.#state, this.#lastStep) : [];
  }

  /** Takes in steps, none skipped. Returns new versions of findings. */
  steps(batch: StepBatch): readonly Finding[] {
    const found: Finding[] = [];
    for (let row = 0; row < batch.count; row++) {
      // Nothing was changed, or without backward() there is no loss to judge.
      if (stepValue(batch, row, "skipped") === 1 || stepValue(batch, row, "microBatches") === 0) {
        continue;
      }
      const updated = updatedTensors(batch, row);
      found.push(...this.#nextOptimizer(updated));
      const record = this.#record(batch, row, updated);
      this.#state ??= {
        ...startDiagnosis(this.#planOf(batch, row, record)),
        raised: this.#raised,
      };
      this.#lastStep = record.t;
      const [next, changes] = diagnose(this.#state, record);
      this.#state = next;
      found.push(...changes.filter(({ severity }) => !this.#isBroken || severity === "error"));
      found.push(...this.#rules.step(this.#view(batch, row, next)));
    }
    return found;
  }

  #newRules(before?: Rules): Rules {
    const rules = [
      ...tensorRules(),
      ...unitRules(),
      ...scheduleRules(),
      new NoisyBatch(),
      this.#overfitting,
      this.#firstLoss,
      this.#guess,
    ];
    return new Rules(rules, before);
  }

  #restartRules(step: number, to?: number): readonly Finding[] {
    const cleared = this.#rules.clear(step, to);
    // What it was told of is needed as long as it is told.
    if (!this.#rules.isTold(this.#overfitting)) this.#overfitting = new Overfitting();
    if (!this.#rules.isTold(this.#firstLoss)) this.#firstLoss = new HighFirstLoss();
    this.#rules = this.#newRules(this.#rules);
    this.#seen = 0;
    return cleared;
  }

  #view(batch: StepBatch, row: number, { signals, finding }: DiagnosisState): StepView {
    return {
      t: batch.firstStep + row,
      seen: this.#seen++,
      batch,
      row,
      tensors: this.#tensors,
      groups: this.#groups,
      changes: this.#changes,
      signals,
      rate: finding,
    };
  }

  /** Where tensors are updated that were not there before, and only those, another optimizer begins, and the one before is done. */
  #nextOptimizer(updated: readonly number[]): readonly Finding[] {
    const [first = 0] = updated;
    const known = this.#tensorsSeen;
    this.#tensorsSeen = Math.max(known, ...updated.map(tensor => tensor + 1));
    if (known === 0 || first < known) return [];
    const found = this.completed();
    this.#raised = (this.#state?.raised ?? this.#raised) + found.length;
    this.#state = undefined;
    this.#firstTensor = first;
    return found;
  }

  /** What is known of an optimizer's training at its first step. Nobody says how many there will be. */
  #planOf(batch: StepBatch, row: number, { lr, loss }: StepRecord): RunPlan {
    const tensors = this.#tensors.slice(this.#firstTensor);
    const rates = tensors.map(({ optimizer }) => usualRate(optimizer));
    const usual = rates.find(rate => rate !== undefined);
    // What the first loss of a script should be says nothing of its second.
    const guess = this.#firstTensor === 0 ? this.#guess.expected?.value : undefined;
    const knows = guess !== undefined && loss < KNOWING * guess;
    return {
      guess: guess ?? Number.NaN,
      group: this.#group,
      usualRate: usual,
      momentum: !usual && tensors.some(tensor => tensor.momentum) ? USUAL_MOMENTUM : 0,
      plannedSteps: undefined,
      lr,
      scheduled: true,
      parameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
      pretrained: knows || tensors.some(({ trained }) => trained),
      fromZero: this.#beginsAtZero(batch, row),
      resumed: this.#isOnItsWay,
    };
  }

  /** Whether most elements of the weights are zero; biases and scales are left out. */
  #beginsAtZero(batch: StepBatch, row: number): boolean {
    let [zero, all] = [0, 0];
    for (let tensor = this.#firstTensor; tensor < this.#tensors.length; tensor++) {
      const { shape = [] } = this.#tensors[tensor] ?? {};
      if (shape.length < 2) continue;
      const elements = shape.reduce((a, b) => a * b, 1);
      all += elements;
      if (tensorValue(batch, row, tensor, "weightNorm") === 0) zero += elements;
    }
    return zero > all / 2;
  }

  get #group(): number {
    return this.#tensors[this.#firstTensor]?.group ?? 0;
  }

  #record(batch: StepBatch, row: number, updated: readonly number[]): StepRecord {
    const of = (column: Parameters<typeof stepValue>[2]) => stepValue(batch, row, column);
    if (!this.#state) this.#origin = of("weightNorm");
    return {
      t: batch.firstStep + row,
      lr: batch.lr[row * batch.groups + this.#group] ?? Number.NaN,
      loss: of("loss"),
      gradNorm: of("gradNorm"),
      weightNorm: of("weightNorm"),
      updateNorm: of("updateNorm"),
      travel: of("travel") * this.#origin,
      tensors: updated.reduce((all, tensor) => (Math.imul(all, 31) + tensor + 1) | 0, 0),
    };
  }
}

/** Places of the tensors that a step updates. */
function updatedTensors(batch: StepBatch, row: number): readonly number[] {
  const updated: number[] = [];
  for (let tensor = 0; tensor < batch.tensorCount; tensor++) {
    // A gradient that is not finite is one, too.
    if (!Number.isNaN(tensorValue(batch, row, tensor, "nonFinite"))) updated.push(tensor);
  }
  return updated;
}
