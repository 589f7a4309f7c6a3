import { Ema } from "../../runtime/protocol/ema.ts";
import { BLOCK, type Samples } from "./column.ts";
import type { ScaleKind } from "./scale.ts";
import { StoredSeries } from "./storedSeries.ts";

/** Rows from one state of the average that is kept to the next: those of a block, which a column forgets together. */
const STRIDE = BLOCK;

/** The latest average of a series: a chart that is made anew does not read all of it again. */
const latest = new WeakMap<Samples, Smoothed>();

/** The moving average of a series; the same object for as long as weight and scale are the same. */
export function smoothed(samples: Samples, weight: number, scale: ScaleKind): Smoothed {
  const known = latest.get(samples);
  if (known?.weight === weight && known.scale === scale) return known;
  const made = new Smoothed(samples, weight, scale);
  latest.set(samples, made);
  return made;
}

/**
 * The moving average of all values of a series, at any row. Few of them are ever drawn: kept is its
 * state at every 64th row, from which it is computed anew.
 */
export class Smoothed {
  readonly weight: number;
  readonly scale: ScaleKind;
  private readonly samples: Samples;
  private readonly ema: Ema;
  private readonly replay: Ema;
  private means = new Float64Array(64);
  private biases = new Float64Array(64);
  /** The first row that is taken here: those before are averaged in the run store. */
  private origin = 0;
  private rows = 0;

  constructor(samples: Samples, weight: number, scale: ScaleKind) {
    this.samples = samples;
    this.weight = weight;
    this.scale = scale;
    this.ema = new Ema(weight, scale);
    this.replay = new Ema(weight, scale);
  }

  /** Takes the rows that the series has got since the last call. */
  advance(): void {
    const { samples, ema } = this;
    const end = samples.length;
    if (!this.begin()) return;
    for (; this.rows < end; this.rows++) {
      if (this.rows === this.origin || this.rows % STRIDE === 0) this.keep(this.stride(this.rows));
      ema.take(samples.at(this.rows));
    }
  }

  /** The average at a row that has been taken; NaN where its value cannot be drawn. */
  at(row: number): number {
    const { replay, samples, origin } = this;
    if (row < origin || row >= this.rows) return Number.NaN;
    const stride = this.stride(row);
    replay.state = { mean: this.means[stride] ?? 0, bias: this.biases[stride] ?? 1 };
    for (let before = Math.max(origin, row - (row % STRIDE)); before < row; before++) {
      replay.take(samples.at(before));
    }
    return replay.next(samples.at(row));
  }

  /** Place of the last state that is kept before a row. */
  private stride(row: number): number {
    return Math.floor(row / STRIDE) - Math.floor(this.origin / STRIDE);
  }

  /**
   * What is averaged here begins where the average of the store ends, unless the next row and those before it
   * were there to be taken. Returns whether that is known: it comes with what is drawn.
   */
  private begin(): boolean {
    const { samples } = this;
    if (!(samples instanceof StoredSeries) || this.rows >= samples.firstExact) return true;
    const stored = samples.averagedTo(this);
    if (!stored) return false;
    this.origin = this.rows = stored.row;
    this.ema.state = stored.state;
    return true;
  }

  private keep(stride: number): void {
    if (stride === this.means.length) {
      this.means = doubled(this.means);
      this.biases = doubled(this.biases);
    }
    const { mean, bias } = this.ema.state;
    this.means[stride] = mean;
    this.biases[stride] = bias;
  }
}

function doubled(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(2 * values.length);
  grown.set(values);
  return grown;
}
