import {
  type Histogram,
  histogramsOf,
  type TensorHistograms,
} from "../../runtime/protocol/histogram.ts";

/** Milliseconds between two questions about a run that goes on. */
const ASK_MS = 1000;

/** Histograms of the chosen tensor over the steps of the run, which are asked for behind the first drawing. */
export class Histograms {
  private readonly ask: (tensor: number, after: number) => void;
  private tensor: number | undefined;
  private found: Histogram[] = [];
  /** The last step of the run when they were asked for last, and when that was. */
  private asked = { step: 0, at: Number.NEGATIVE_INFINITY };

  constructor(ask: (tensor: number, after: number) => void) {
    this.ask = ask;
  }

  /** What is known of a tensor, in order of steps; the array grows. Undefined while it is nothing. */
  of(tensor: number): readonly Histogram[] | undefined {
    return tensor === this.tensor && this.found.some(({ counts }) => counts.length > 0)
      ? this.found
      : undefined;
  }

  /** Asks for what is new of a tensor of a run that has come to a step, where there may be something. */
  want(tensor: number, step: number): void {
    if (tensor !== this.tensor) {
      this.clear();
      this.tensor = tensor;
    }
    const now = performance.now();
    if (step <= this.asked.step || now - this.asked.at < ASK_MS) return;
    this.asked = { step, at: now };
    this.ask(tensor, this.found.at(-1)?.step ?? 0);
  }

  /** Takes an answer; one to a question before the last is left. */
  receive(histograms: TensorHistograms): void {
    if (histograms.tensor !== this.tensor) return;
    const known = this.found.at(-1)?.step ?? 0;
    for (const each of histogramsOf(histograms)) if (each.step > known) this.found.push(each);
  }

  /** Another run is shown. */
  clear(): void {
    this.tensor = undefined;
    this.found = [];
    this.asked = { step: 0, at: Number.NEGATIVE_INFINITY };
  }
}
