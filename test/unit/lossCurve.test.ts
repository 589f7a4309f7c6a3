import { describe, expect, it } from "vitest";
import { chartAddress } from "../../extension/code/lossChart.ts";
import { LossCurve, sparkline } from "../../extension/code/lossCurve.ts";

describe("LossCurve", () => {
  it("keeps every value while there is room, then means of equal parts", () => {
    const curve = new LossCurve(2);
    for (const value of [1, 2, 3, 4]) curve.add(value);
    expect(curve.means()).toEqual([1, 2, 3, 4]);
    curve.add(5);
    expect(curve.means()).toEqual([1.5, 3.5, 5]);
  });

  it("is the mean of each part after many values", () => {
    const curve = new LossCurve(4);
    for (let i = 0; i < 1000; i++) curve.add(i);
    // 8 bins of 2^k values: 128 hold a thousand.
    expect(curve.means()).toEqual([63.5, 191.5, 319.5, 447.5, 575.5, 703.5, 831.5, 947.5]);
  });

  it("does not hide a value that is not finite", () => {
    const curve = new LossCurve(2);
    for (const value of [1, Number.NaN, 3, 4, 5]) curve.add(value);
    expect(curve.means()).toEqual([Number.NaN, 3.5, 5]);
  });
});

describe("sparkline", () => {
  it("goes from the lowest block to the highest", () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe("▁▂▃▄▅▆▇█");
    expect(sparkline([7, 0])).toBe("█▁");
  });

  it("is logarithmic for a loss that falls by decades", () => {
    expect(sparkline([1, 0.1, 0.01, 0.001])).toBe("█▆▃▁");
  });

  it("is flat for equal values, and marks what is not finite", () => {
    expect(sparkline([2, 2])).toBe("▁▁");
    expect(sparkline([1, Number.NaN, 2, Number.POSITIVE_INFINITY])).toBe("▁×█×");
    expect(sparkline([])).toBe("");
  });
});

describe("chartAddress", () => {
  const svg = (values: number[]): string =>
    Buffer.from(
      chartAddress(values, { line: "#00f", text: "#333" }).split(",")[1] ?? "",
      "base64",
    ).toString();

  it("draws from the upper left to the lower right what falls", () => {
    expect(svg([2, 1])).toContain('d="M4.0 4.0L316.0 86.0"');
  });

  it("leaves a gap where a value is not finite", () => {
    expect(svg([2, Number.NaN, 1])).toContain('d="M4.0 4.0M316.0 86.0"');
  });
});
