/** Losses of a whole run in a few cells, however long it gets: each cell is a mean. */
const MAX_CELLS = 60;

const SPARKS = "▁▂▃▄▅▆▇█";

interface Cell {
  readonly sum: number;
  readonly count: number;
}

export class LossHistory {
  #cells: Cell[] = [];
  /** Losses that a full cell holds. */
  #stride = 1;

  add(loss: number): void {
    const last = this.#cells.at(-1);
    if (last && last.count < this.#stride) {
      this.#cells[this.#cells.length - 1] = join(last, { sum: loss, count: 1 });
      return;
    }
    if (this.#cells.length === MAX_CELLS) this.#halve();
    this.#cells.push({ sum: loss, count: 1 });
  }

  /** As bars, as high as the logarithm of the loss; × where it is no number, or infinite. */
  sparkline(): string {
    return sparkline(this.#cells.map(({ sum, count }) => Math.log(sum / count)));
  }

  #halve(): void {
    const cells = this.#cells;
    this.#stride *= 2;
    this.#cells = [];
    for (let i = 0; i < cells.length; i += 2) {
      const [left, right] = cells.slice(i, i + 2);
      if (left) this.#cells.push(right ? join(left, right) : left);
    }
  }
}

/** Bars of these heights, one a cell; × where one is no number, or infinite. */
export function sparkline(heights: readonly number[]): string {
  const finite = heights.filter(Number.isFinite);
  const low = Math.min(...finite);
  const range = Math.max(...finite) - low || 1;
  const spark = (height: number) =>
    Number.isFinite(height)
      ? (SPARKS[Math.round(((height - low) / range) * (SPARKS.length - 1))] ?? "")
      : "×";
  return heights.map(spark).join("");
}

function join(a: Cell, b: Cell): Cell {
  return { sum: a.sum + b.sum, count: a.count + b.count };
}
