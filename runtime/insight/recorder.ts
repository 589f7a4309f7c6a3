/**
 * The record of a run: numbers the steps of all optimizers, brings their statistics to the host
 * through the ring, and hands them to the observer as batches.
 */
import { performance } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { counters } from "../gpu/device.ts";
import { PASS_TIMES_BYTES, takePassTimes } from "../gpu/passTimes.ts";
import type { BufferRange } from "../gpu/storage.ts";
import { ROW_WORDS } from "../kernels/statistics.ts";
import type { StepHistograms } from "../protocol/histogram.ts";
import type { TensorRecord } from "../protocol/run.ts";
import {
  STEP_COLUMNS,
  type StepBatch,
  type StepColumn,
  TENSOR_COLUMNS,
} from "../protocol/steps.ts";
import { forgetTimes, gpuTimes, stepEncoded, UNKNOWN_TIMES } from "./gpuTimes.ts";
import { Cadence, histogramWords } from "./histograms.ts";
import { metricsDelivered } from "./metrics.ts";
import { NoiseScale } from "./noiseScale.ts";
import { observe, observer } from "./observer.ts";
import { isTimeToYield, yieldToEventLoop } from "./pace.ts";
import { beginPhases, loopWaited, type PhaseTimes, takePhases } from "./phaseClock.ts";
import { loaderProgress } from "./progress.ts";
import { ReadbackRing } from "./ring.ts";
import { decodeRow, type Totals } from "./rows.ts";

/** Tensors whose rows stand in one buffer, as the recorder knows them. */
export interface MeasuredTensors {
  /** Place of the first of them among the tensors of the run. */
  readonly first: number;
  readonly tensors: readonly MeasuredTensor[];
  /** Rows of kernels/statistics.ts, one a tensor. */
  readonly rows: BufferRange;
  /** Histograms of the same, which stand behind them; a loop of the script's own leaves none. */
  readonly histograms: BufferRange | undefined;
}

export interface MeasuredTensor {
  readonly record: TensorRecord;
  readonly elements: number;
  /** ‖θ₀‖², known after the first step. */
  originSquares: number | undefined;
}

/** What a tensor went through in a step. */
export interface TensorEvent {
  readonly updated: boolean;
  /** Whether there was a running mean before the step. */
  readonly hasMomentum: boolean;
}

/** Single numbers of a step that are computed on the GPU beside the rows. */
const STEP_SCALARS = [
  "loss",
  /** Of several micro-batches. */
  "lossMin",
  "lossMax",
  /** ‖g‖² that clipping took away. */
  "clippedSquares",
  /** Σ ‖g_i‖² over the micro-batches. */
  "microBatchSquares",
  /** Factor of the loss. */
  "lossScale",
  /** 1 where the step was not taken, else 0. */
  "skipped",
] as const;

export type StepScalar = (typeof STEP_SCALARS)[number];

/** Where the numbers of a step are; those that it does not have are left out. */
export type StepScalars = Partial<Readonly<Record<StepScalar, BufferRange>>>;

/** One optimizer's part of the record: its parameter groups, its tensors, its travel so far. */
export class OptimizerRecord {
  readonly parts: MeasuredTensors[] = [];
  readonly groups: number[] = [];
  travel = 0;
  readonly noise = new NoiseScale();
  readonly cadence = new Cadence();

  /** Enters a parameter group. Returns its index among the groups of the run. */
  addGroup(lr: number): number {
    ring.seal();
    const group = rates.push(lr) - 1;
    this.groups.push(group);
    return group;
  }

  /** Enters tensors, in the order of their rows. */
  addTensors(
    tensors: readonly MeasuredTensor[],
    rows: BufferRange,
    histograms?: BufferRange,
  ): MeasuredTensors {
    ring.seal();
    const part = { first: records.length, tensors, rows, histograms };
    this.parts.push(part);
    records.push(...tensors.map(({ record }) => record));
    observer()?.tensors([...records]);
    return part;
  }
}

/** A step that is on its way to the host. */
interface StepNote {
  readonly step: number;
  readonly optimizer: OptimizerRecord;
  /** Parts of the optimizer when the step was queued, and what happened to their tensors. */
  readonly parts: readonly MeasuredTensors[];
  readonly events: readonly (readonly TensorEvent[])[];
  readonly tensorCount: number;
  readonly lr: readonly number[];
  /** The numbers that stand before the rows, in this order. */
  readonly scalars: readonly StepScalar[];
  /** Phases of the passes whose times stand behind the rows; none if the step was not timed. */
  readonly timedPhases: readonly string[];
  readonly isTrial: boolean;
  readonly microBatches: number;
  readonly epoch: number;
  readonly time: number;
  readonly stepMs: number;
  readonly phases: PhaseTimes;
  readonly samples: number;
  readonly gpuBytes: number;
  readonly heapBytes: number;
}

/** Milliseconds between two looks at the heap. */
const HEAP_MS = 250;
const FENCE_BYTES = 4;
const SCALARS_BYTES = STEP_SCALARS.length * 4;
const start = performance.now();
const records: TensorRecord[] = [];
/** η of each group of the run, as of its latest step. */
const rates: number[] = [];
let steps = 0;
let latest = Number.NaN;
/** While steps are tried, the way that each optimizer had come before its first of them. */
let triedFrom: Map<OptimizerRecord, number> | undefined;
let heap = { at: -Infinity, bytes: Number.NaN };
/** Of the last step that was timed. */
let times = UNKNOWN_TIMES;

const ring = new ReadbackRing<StepNote | undefined>((bytes, slotBytes, notes) => {
  const measured = notes.filter(note => note !== undefined);
  if (measured.length > 0) observer()?.steps(decodeBatch(bytes, slotBytes, measured));
});

/** Of a step whose histograms are on their way. */
interface HistogramNote {
  readonly step: number;
  readonly parts: readonly MeasuredTensors[];
  readonly events: readonly (readonly TensorEvent[])[];
  readonly tensorCount: number;
  readonly lr: readonly number[];
  /** Whether the first word says that the step was not taken. */
  readonly mayBeSkipped: boolean;
}

const histogramRing = new ReadbackRing<HistogramNote>((bytes, slotBytes, notes) => {
  const floats = new Float32Array(bytes);
  const taken = notes.map((note, i) => decodeHistograms(note, floats, (i * slotBytes) / 4));
  observer()?.histograms(taken);
});

/**
 * Encodes the readback of an optimizer's step behind its kernels.
 * @param scalars where the numbers of the step are; without a loss `backward()` was not called.
 * @param microBatches calls of `backward()` since the last step.
 * @param events what happened to the tensors of each part.
 * @param lr η of each of the optimizer's groups.
 * @param parts those of the optimizer's tensors that the step is about.
 */
export function recordStep(
  encoder: GPUCommandEncoder,
  optimizer: OptimizerRecord,
  scalars: StepScalars,
  microBatches: number,
  events: readonly (readonly TensorEvent[])[],
  lr: readonly number[],
  parts: readonly MeasuredTensors[] = [...optimizer.parts],
): void {
  const now = performance.now() - start;
  optimizer.groups.forEach((group, i) => {
    rates[group] = lr[i] ?? Number.NaN;
  });
  if (triedFrom && !triedFrom.has(optimizer)) triedFrom.set(optimizer, optimizer.travel);
  const progress = loaderProgress();
  const rows = parts.map(part => part.rows);
  const bytes = rows.reduce((sum, { size }) => sum + size, SCALARS_BYTES + PASS_TIMES_BYTES);
  if (ring.slotBytes < bytes) ring.resize(bytes);
  const known = STEP_SCALARS.filter(name => scalars[name]);
  const numbers = known.flatMap(name => scalars[name] ?? []);
  const timed = takePassTimes(encoder);
  ring.copy(encoder, [...numbers, ...rows, ...(timed ? [timed.range] : [])], {
    step: ++steps,
    optimizer,
    parts,
    events,
    tensorCount: records.length,
    lr: [...rates],
    scalars: known,
    timedPhases: timed?.labels ?? [],
    isTrial: triedFrom !== undefined,
    microBatches,
    epoch: progress?.epoch ?? Number.NaN,
    time: now,
    stepMs: now - latest,
    phases: takePhases(start + now),
    samples: progress?.samples ?? Number.NaN,
    gpuBytes: counters.bytes,
    heapBytes: heapBytes(now),
  });
  latest = now;
  stepEncoded(now);
  if (!triedFrom && optimizer.cadence.next()) {
    recordHistograms(encoder, { step: steps, parts, events, lr: [...rates] }, scalars);
  }
}

/** Encodes the readback of the histograms of a step. */
function recordHistograms(
  encoder: GPUCommandEncoder,
  note: Pick<HistogramNote, "step" | "parts" | "events" | "lr">,
  { skipped }: StepScalars,
): void {
  const ranges = note.parts.flatMap(({ rows, histograms }) =>
    histograms ? [rows, histograms] : [],
  );
  if (ranges.length === 0) return;
  const all = [...(skipped ? [skipped] : []), ...ranges];
  const bytes = all.reduce((sum, { size }) => sum + size, 0);
  if (histogramRing.slotBytes < bytes) histogramRing.resize(bytes);
  const tensorCount = records.length;
  histogramRing.copy(encoder, all, { ...note, tensorCount, mayBeSkipped: skipped !== undefined });
}

/** Encodes a mark behind a step that nobody watches, so that the steps in flight stay bounded. */
export function recordFence(encoder: GPUCommandEncoder, range: BufferRange): void {
  if (ring.slotBytes < FENCE_BYTES) ring.resize(FENCE_BYTES);
  ring.copy(encoder, [{ ...range, size: FENCE_BYTES }], undefined);
}

/** To be called when the commands of a recorded step have been submitted. */
export function stepSubmitted(): void {
  ring.submitted();
  histogramRing.submitted();
}

/** Whether the loop has to give way before its next step. */
export function mustSettle(): boolean {
  return ring.isFull() || histogramRing.isFull() || isTimeToYield();
}

/**
 * Lets the event loop run, and waits until the next step may be queued.
 * @throws what went wrong on the device, or in the observer.
 */
export async function settle(): Promise<void> {
  const from = performance.now();
  await ring.room();
  await histogramRing.room();
  if (isTimeToYield()) await yieldToEventLoop();
  loopWaited(from);
}

/**
 * Delivers every step that was queued, and every metric, to the observer. To be called when the script has ended.
 * @throws what went wrong on the device, or in the observer.
 */
export async function drain(): Promise<void> {
  await ring.drain();
  await histogramRing.drain();
  await metricsDelivered();
}

/**
 * From now on steps are tried: another observer hears of them, and they are no part of the record. To be
 * called when everything was delivered, as what it returns.
 * @param tried hears of the steps.
 * @returns ends it, when the state from before has been put back: what was counted is as it was.
 */
export function beginTrial(tried: (batch: StepBatch) => void): () => void {
  const ofRun = observer();
  const before = { steps, rates: [...rates] };
  const travels = new Map<OptimizerRecord, number>();
  triedFrom = travels;
  observe(
    ofRun && { ...ofRun, isTrial: true, steps: tried, metrics: () => {}, histograms: () => {} },
  );
  return () => {
    steps = before.steps;
    before.rates.forEach((rate, group) => {
      rates[group] = rate;
    });
    for (const [optimizer, travel] of travels) optimizer.travel = travel;
    triedFrom = undefined;
    observe(ofRun);
  };
}

/** Number of the latest step of the run that was queued; 0 before the first. */
export function stepCount(): number {
  return steps;
}

/** To be called when a loop that was held goes on: the time of that belongs to no step. */
export function loopResumed(): void {
  const now = performance.now();
  latest = now - start;
  beginPhases(now);
  forgetTimes();
}

/** Bytes of JavaScript's heap as of the last look: one costs more than a step may. */
function heapBytes(now: number): number {
  if (now - heap.at >= HEAP_MS) heap = { at: now, bytes: getHeapStatistics().used_heap_size };
  return heap.bytes;
}

const STEP_COLUMN = Object.fromEntries(STEP_COLUMNS.map((name, i) => [name, i])) as Record<
  StepColumn,
  number
>;

function decodeBatch(bytes: ArrayBuffer, slotBytes: number, notes: readonly StepNote[]): StepBatch {
  const [first] = notes;
  const groups = first?.lr.length ?? 0;
  const tensorCount = first?.tensorCount ?? 0;
  const batch = {
    firstStep: first?.step ?? 0,
    count: notes.length,
    groups,
    tensorCount,
    steps: new Float64Array(notes.length * STEP_COLUMNS.length),
    lr: new Float64Array(notes.length * groups),
    tensors: new Float32Array(notes.length * tensorCount * TENSOR_COLUMNS.length),
  };
  batch.tensors.fill(Number.NaN);
  const words = new Uint32Array(bytes);
  const floats = new Float32Array(bytes);
  notes.forEach((note, row) => {
    batch.lr.set(note.lr, row * groups);
    decodeStep(note, words, floats, (row * slotBytes) / 4, batch, row);
  });
  return batch;
}

function decodeStep(
  note: StepNote,
  words: Uint32Array,
  floats: Float32Array,
  slot: number,
  batch: StepBatch,
  row: number,
): void {
  const totals: Totals = {
    gradSquares: 0,
    weightSquares: 0,
    updateSquares: 0,
    travelSquares: 0,
    gainSquares: 0,
    gainElements: 0,
  };
  const scalar = (name: StepScalar): number => {
    const at = note.scalars.indexOf(name);
    return at < 0 ? Number.NaN : (floats[slot + at] ?? Number.NaN);
  };
  const skipped = scalar("skipped") === 1;
  let originSquares = 0;
  let word = slot + note.scalars.length;
  note.parts.forEach((part, p) => {
    part.tensors.forEach((tensor, t) => {
      const event = note.events[p]?.[t];
      const context = {
        elements: tensor.elements,
        adaptive: tensor.record.adaptive,
        byHand: tensor.record.optimizer === "custom",
        lr: note.lr[tensor.record.group] ?? Number.NaN,
        updated: !skipped && (event?.updated ?? false),
        hasMomentum: event?.hasMomentum ?? false,
      };
      const to = (row * batch.tensorCount + part.first + t) * TENSOR_COLUMNS.length;
      const squares = decodeRow(words, floats, word, context, totals, batch.tensors, to);
      tensor.originSquares ??= squares;
      originSquares += tensor.originSquares;
      word += ROW_WORDS;
    });
  });

  if (note.timedPhases.length > 0) times = gpuTimes(words, word, note.timedPhases);
  const { optimizer, microBatches } = note;
  const clippedSquares = skipped ? Number.NaN : totals.gradSquares;
  const isClipped = note.scalars.includes("clippedSquares");
  const gradSquares = clippedSquares + (isClipped ? scalar("clippedSquares") : 0);
  optimizer.travel = Math.max(optimizer.travel, travel(totals.travelSquares, originSquares));
  const columns: Record<StepColumn, number> = {
    loss: scalar("loss"),
    lossMin: scalar("lossMin"),
    lossMax: scalar("lossMax"),
    gradNorm: Math.sqrt(gradSquares),
    clippedGradNorm: isClipped ? Math.sqrt(clippedSquares) : Number.NaN,
    weightNorm: Math.sqrt(totals.weightSquares),
    updateNorm: Math.sqrt(totals.updateSquares),
    stepToWeight: Math.sqrt(totals.updateSquares / totals.weightSquares),
    travel: optimizer.travel,
    adamGain: Math.sqrt(totals.gainSquares / totals.gainElements),
    microBatches,
    noiseScale: note.isTrial
      ? Number.NaN
      : optimizer.noise.add(microBatches, gradSquares, scalar("microBatchSquares")),
    lossScale: scalar("lossScale"),
    skipped: skipped ? 1 : 0,
    epoch: note.epoch,
    time: note.time,
    stepMs: note.stepMs,
    ...note.phases,
    samples: note.samples,
    gpuBytes: note.gpuBytes,
    heapBytes: note.heapBytes,
    ...times,
  };
  for (const name of STEP_COLUMNS) {
    batch.steps[row * STEP_COLUMNS.length + STEP_COLUMN[name]] = columns[name];
  }
}

function decodeHistograms(
  { step, parts, events, tensorCount, lr, mayBeSkipped }: HistogramNote,
  floats: Float32Array,
  slot: number,
): StepHistograms {
  const skipped = mayBeSkipped && floats[slot] === 1;
  const found: number[][] = Array.from({ length: tensorCount }, () => [0]);
  let from = slot + (mayBeSkipped ? 1 : 0);
  parts.forEach(({ first, tensors, rows, histograms }, p) => {
    if (!histograms) return;
    tensors.forEach(({ record }, tensor) => {
      found[first + tensor] = histogramWords(floats, from, {
        tensor,
        tensors: tensors.length,
        lr: lr[record.group] ?? Number.NaN,
        isKnown: !skipped && (events[p]?.[tensor]?.updated ?? false),
      });
    });
    from += (rows.size + histograms.size) / 4;
  });
  return { step, words: Float32Array.from(found.flat()) };
}

/** ‖θ − θ₀‖ / ‖θ₀‖; from θ₀ = 0 the way is all there is of θ, and the ratio 1. */
function travel(travelSquares: number, originSquares: number): number {
  // Divided by itself, what is not finite becomes NaN and all else 1.
  if (originSquares === 0) return travelSquares === 0 ? 0 : travelSquares / travelSquares;
  return Math.sqrt(travelSquares / originSquares);
}
