/** Moving averages over all steps of a run, as they are asked for: of each, its state is kept every few steps. */
import type { CurveName, CurveRequest, Smoothing } from "../protocol/curves.ts";
import { Ema, type EmaState } from "../protocol/ema.ts";
import type { RunReader } from "./reader.ts";

/** Steps from one state that is kept to the next. */
const STRIDE = 64;

/** Averages that are kept: those of all charts of a page, and some of before. */
const MOST_KEPT = 16;

export class Averages {
  readonly #kept = new Map<string, Average>();

  /** States behind each of `count` bins from number `first` on; behind bins that are not full, that after the last step. */
  of(
    reader: RunReader,
    { name, width }: CurveRequest,
    smoothing: Smoothing,
    first: number,
    count: number,
  ): { readonly averages: Float64Array; readonly biases: Float64Array } {
    const key = `${name} ${smoothing.weight} ${smoothing.scale}`;
    const average = this.#kept.get(key) ?? new Average(name, smoothing);
    // The one that was asked for last is forgotten last.
    this.#kept.delete(key);
    this.#kept.set(key, average);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    average.advance(reader);
    return average.behind(reader, first, count, width);
  }
}

class Average {
  readonly #name: CurveName;
  readonly #ema: Ema;
  readonly #replay: Ema;
  /** States before steps 0, 64, 128, … */
  #means = new Float64Array(1024);
  #biases = new Float64Array(1024).fill(1);
  /** The step that comes next. */
  #next = 0;

  constructor(name: CurveName, { weight, scale }: Smoothing) {
    this.#name = name;
    this.#ema = new Ema(weight, scale);
    this.#replay = new Ema(weight, scale);
  }

  /** Takes the steps that the run has got since the last call. */
  advance(reader: RunReader): void {
    for (const { firstStep, values } of reader.values(this.#name, this.#next)) {
      const skipped = Math.max(0, this.#next - firstStep);
      // Steps that are missing leave the average as it is.
      while (this.#next < firstStep) this.#pass(Math.min(firstStep, this.#border));
      for (let row = skipped; row < values.length; ) {
        const end = Math.min(values.length, this.#border - firstStep);
        this.#ema.takeAll(values, row, end);
        this.#pass(firstStep + end);
        row = end;
      }
    }
  }

  /** The next step before which a state is kept. */
  get #border(): number {
    return (Math.floor(this.#next / STRIDE) + 1) * STRIDE;
  }

  #pass(step: number): void {
    this.#next = step;
    if (step % STRIDE === 0) this.#keep(step / STRIDE);
  }

  #keep(at: number): void {
    if (at === this.#means.length) {
      this.#means = doubled(this.#means);
      this.#biases = doubled(this.#biases);
    }
    const { mean, bias } = this.#ema.state;
    this.#means[at] = mean;
    this.#biases[at] = bias;
  }

  behind(reader: RunReader, first: number, count: number, width: number) {
    const averages = new Float64Array(count);
    const biases = new Float64Array(count);
    const set = (bin: number, { mean, bias }: EmaState) => {
      averages[bin] = mean;
      biases[bin] = bias;
    };
    if (width < STRIDE) this.#replayed(reader, first, count, width, set);
    else {
      for (let bin = 0; bin < count; bin++) set(bin, this.#before((first + bin + 1) * width));
    }
    return { averages, biases };
  }

  /** The state before a step, a multiple of 64; that after the last step where that comes before it. */
  #before(step: number): EmaState {
    if (step >= this.#next) return this.#ema.state;
    const at = step / STRIDE;
    return { mean: this.#means[at] ?? 0, bias: this.#biases[at] ?? 1 };
  }

  #replayed(
    reader: RunReader,
    first: number,
    count: number,
    width: number,
    set: (bin: number, state: EmaState) => void,
  ): void {
    const begin = Math.floor((first * width) / STRIDE) * STRIDE;
    const end = (first + count) * width;
    const replay = this.#replay;
    replay.state = this.#before(begin);
    let bin = 0;
    /** Bins that end before a step have the state as it is. */
    const fill = (step: number) => {
      for (; bin < count && (first + bin + 1) * width <= step; bin++) set(bin, replay.state);
    };
    for (const { firstStep, values } of reader.values(this.#name, begin, end - 1)) {
      fill(firstStep);
      for (let row = 0; row < values.length; ) {
        const step = firstStep + row;
        const border = Math.max((first + bin + 1) * width, step + 1);
        const until = Math.min(values.length, border - firstStep);
        replay.takeAll(values, row, until);
        row = until;
        fill(firstStep + row);
      }
    }
    fill(end);
  }
}

function doubled(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(2 * values.length);
  grown.set(values);
  return grown;
}
