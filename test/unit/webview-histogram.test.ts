/** Histograms of step sizes as the page has them: which stand in a column, and what is painted of them. */
import { describe, expect, test } from "vitest";
import type { Histogram } from "../../runtime/protocol/histogram.ts";
import { fullestOctave, HistogramCells, shareBelow } from "../../webview/charts/histogramCells.ts";
import { Histograms } from "../../webview/data/histograms.ts";
import { RunSeries } from "../../webview/data/runSeries.ts";
import { pageBatch } from "../e2e/page-run.ts";

function histogram(step: number, lr: number, lowest: number, ...counts: number[]): Histogram {
  return { step, lr, lowest, counts: Float32Array.from(counts) };
}

function cells(histograms: readonly Histogram[], steps: number, columns: number) {
  const series = new RunSeries();
  series.append(pageBatch(1, steps));
  const made = new HistogramCells({ histograms, series, elements: 10, sampled: 10 });
  const positions = series.positions("step");
  made.cut({ kind: "step", scale: "linear", positions, domain: [1, steps + 1] }, columns);
  return made;
}

describe("cells", () => {
  test("of a column are the mean of its histograms, or the one before it", () => {
    const found = cells(
      [
        histogram(1, 1, 0, 10),
        histogram(2, 1, 0, 0, 10),
        // A step without gradient.
        { step: 5, lr: Number.NaN, lowest: 0, counts: new Float32Array() },
      ],
      8,
      4,
    );
    const shares = (column: number) => [...found.shares(column, [1, 4], 2)];
    expect(shares(0)).toEqual([0.5, 0.5]);
    expect(shares(1)).toEqual([1, 0]);
    expect(shares(2)).toEqual([0, 0]);
    expect(shares(3)).toEqual([0, 0]);
    expect(found.at(3)?.step).toBe(2);
    expect(found.at(7)).toBeUndefined();
    expect(found.length).toBe(3);
  });

  test("stand where η puts them", () => {
    const found = cells([histogram(1, 0.75, -2, 4, 6)], 1, 1);
    // Octaves from 0.1875, 0.375 and 0.75; four rows over 0.1875 … 0.75 are half an octave each.
    expect([...found.shares(0, [0.1875, 0.75], 4)]).toEqual([0.6, 0.6, 0.4, 0.4]);
    expect(found.extremes()).toEqual({ low: 0.1875, high: 0.75, typical: 0.1875, share: 0.6 });
  });

  test("leave weights that stand still out of the axis", () => {
    const far = histogram(1, 1, -50, 5, ...Array(44).fill(0), 2, 3);
    const still = histogram(2, 1, -127, 10);
    const found = cells([far, still, histogram(3, 0, -1, 10)], 3, 3);
    expect(found.extremes()).toMatchObject({ low: 2 ** -50, high: 2 ** -3, typical: 2 ** -20 });
    expect(fullestOctave(far)).toEqual({ from: 2 ** -50, share: 0.5 });
    expect(shareBelow(far, 2 ** -20)).toBe(0.5);
    expect(shareBelow(far, 2 ** -4)).toBe(0.7);
  });
});

test("histograms are asked for once a second, of steps that are new, and of another tensor at once", () => {
  const asked: unknown[] = [];
  const histograms = new Histograms((tensor, after) => asked.push([tensor, after]));
  histograms.want(2, 10);
  histograms.want(2, 10);
  histograms.want(2, 11);
  expect(asked).toEqual([[2, 0]]);
  const words = Float32Array.of(1, 0.5, -1, 4, 0);
  histograms.receive({ tensor: 1, steps: Float64Array.of(1), words });
  expect(histograms.of(2)).toBeUndefined();
  histograms.receive({ tensor: 2, steps: Float64Array.of(1, 2), words });
  histograms.receive({ tensor: 2, steps: Float64Array.of(2), words });
  expect(histograms.of(2)?.map(({ step }) => step)).toEqual([1, 2]);
  expect(histograms.of(0)).toBeUndefined();
  histograms.want(0, 11);
  expect(asked).toEqual([
    [2, 0],
    [0, 0],
  ]);
  histograms.clear();
  histograms.want(0, 1);
  expect(asked).toHaveLength(3);
});
