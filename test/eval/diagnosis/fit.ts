/**
 * Fits the scorecard: softmax regression on features that are made piecewise linear, with penalties on
 * the size of the points and on bends between neighbouring ones. By Adam over all samples.
 */
import {
  CLASSES,
  type Class,
  hats,
  type Points,
  type Scorecard,
} from "../../../runtime/insight/diagnosis/scorecard.ts";
import type { FeatureName, Features } from "../../../runtime/insight/diagnosis/signals.ts";

/** A moment of a labelled run. */
export interface Sample {
  readonly family: string;
  readonly label: Class;
  readonly features: Features;
}

const KNOTS = 6;
const RIDGE = 3e-4;
const SMOOTH = 5e-4;
const ITERATIONS = 250;
const STEP = 0.05;
/** Part of the iterations after which the step is cut to a fifth. */
const COOL = 0.7;

/** What one sample adds to the sums: `index` of a row of points, and its share. */
interface Row {
  readonly index: Int32Array;
  readonly share: Float64Array;
  readonly target: number;
}

/** The scorecard that explains the labels best. */
export function fitScorecard(samples: readonly Sample[]): Scorecard {
  const names = Object.keys(samples[0]?.features ?? {}) as FeatureName[];
  const knots = names.map(name => quantiles(samples.map(({ features }) => features[name])));
  const starts = knots.map((_, k) => 1 + knots.slice(0, k).reduce((sum, of) => sum + of.length, 0));
  const rows = samples.map(sample => rowOf(sample, names, knots, starts));
  const width = 1 + knots.reduce((sum, of) => sum + of.length, 0);
  const weights = new Float64Array(width * CLASSES.length);
  const adam = new AdamState(weights.length);
  for (let i = 1; i <= ITERATIONS; i++) {
    const gradient = dataGradient(rows, weights);
    knots.forEach((of, k) => {
      addPenalty(gradient, weights, starts[k] ?? 0, of.length);
    });
    adam.update(weights, gradient, i, i < ITERATIONS * COOL ? STEP : STEP / 5);
  }
  return toScorecard(weights, names, knots, starts);
}

function rowOf(
  { features, label }: Sample,
  names: readonly FeatureName[],
  knots: readonly (readonly number[])[],
  starts: readonly number[],
): Row {
  const index = [0];
  const share = [1];
  names.forEach((name, k) => {
    for (const [at, part] of hats(knots[k] ?? [], features[name])) {
      index.push((starts[k] ?? 0) + at);
      share.push(part);
    }
  });
  return {
    index: Int32Array.from(index),
    share: Float64Array.from(share),
    target: CLASSES.indexOf(label),
  };
}

/** Gradient of the mean cross-entropy. */
function dataGradient(rows: readonly Row[], weights: Float64Array): Float64Array {
  const classes = CLASSES.length;
  const gradient = new Float64Array(weights.length);
  const sums = new Float64Array(classes);
  for (const { index, share, target } of rows) {
    sums.fill(0);
    for (let i = 0; i < index.length; i++) {
      for (let c = 0; c < classes; c++) {
        const weight = weights[(index[i] ?? 0) * classes + c] ?? 0;
        sums[c] = (sums[c] ?? 0) + (share[i] ?? 0) * weight;
      }
    }
    const most = Math.max(...sums);
    const raised = sums.map(sum => Math.exp(sum - most));
    const total = raised.reduce((sum, value) => sum + value, 0);
    for (let c = 0; c < classes; c++) {
      const error = ((raised[c] ?? 0) / total - (c === target ? 1 : 0)) / rows.length;
      for (let i = 0; i < index.length; i++) {
        const at = (index[i] ?? 0) * classes + c;
        gradient[at] = (gradient[at] ?? 0) + error * (share[i] ?? 0);
      }
    }
  }
  return gradient;
}

function addPenalty(g: Float64Array, w: Float64Array, start: number, knots: number): void {
  const classes = CLASSES.length;
  const add = (at: number, value: number) => {
    g[at] = (g[at] ?? 0) + value;
  };
  for (let at = start * classes; at < (start + knots) * classes; at++) {
    add(at, RIDGE * (w[at] ?? 0));
    const isInner = at >= (start + 1) * classes && at < (start + knots - 1) * classes;
    if (!isInner) continue;
    const bend = SMOOTH * ((w[at - classes] ?? 0) - 2 * (w[at] ?? 0) + (w[at + classes] ?? 0));
    add(at - classes, bend);
    add(at, -2 * bend);
    add(at + classes, bend);
  }
}

class AdamState {
  readonly #means: Float64Array;
  readonly #squares: Float64Array;

  constructor(size: number) {
    this.#means = new Float64Array(size);
    this.#squares = new Float64Array(size);
  }

  update(weights: Float64Array, gradient: Float64Array, step: number, rate: number): void {
    const [scale, root] = [1 / (1 - 0.9 ** step), 1 / (1 - 0.99 ** step)];
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i] ?? 0;
      const mean = 0.9 * (this.#means[i] ?? 0) + 0.1 * g;
      const square = 0.99 * (this.#squares[i] ?? 0) + 0.01 * g * g;
      this.#means[i] = mean;
      this.#squares[i] = square;
      weights[i] = (weights[i] ?? 0) - (rate * mean * scale) / (Math.sqrt(square * root) + 1e-8);
    }
  }
}

function toScorecard(
  weights: Float64Array,
  names: readonly FeatureName[],
  knots: readonly (readonly number[])[],
  starts: readonly number[],
): Scorecard {
  const point = (row: number, c: number) => round(weights[row * CLASSES.length + c] ?? 0);
  const features: Partial<Record<FeatureName, Points>> = {};
  names.forEach((name, k) => {
    const of = knots[k] ?? [];
    features[name] = {
      knots: of.map(round),
      points: CLASSES.map((_, c) => of.map((_, at) => point((starts[k] ?? 0) + at, c))),
    };
  });
  return { intercept: CLASSES.map((_, c) => point(0, c)), features };
}

function quantiles(values: readonly number[]): number[] {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const picks = Array.from({ length: KNOTS }, (_, i) => {
    const part = 0.03 + (0.94 * i) / (KNOTS - 1);
    return sorted[Math.round(part * (sorted.length - 1))] ?? 0;
  });
  return [...new Set(picks)];
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
