import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { formatCount, formatLoss, formatRate } from "../../extension/format.ts";
import { Throttle } from "../../extension/throttle.ts";
import { shareOf } from "../../runtime/protocol/numberText.ts";

describe("formatLoss", () => {
  it.each([
    [0.23123, "0.231"],
    [0, "0.00"],
    [2.3, "2.30"],
    [-1.5, "-1.50"],
    [123.456, "123"],
    [999.9, "1\u202f000"],
    [12345.6, "12\u202f346"],
    [0.000123, "1.23e-4"],
    [1.5e9, "1.50e9"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NEGATIVE_INFINITY, "−∞"],
  ])("writes %d as %s", (loss, text) => {
    expect(formatLoss(loss)).toBe(text);
  });
});

describe("shareOf", () => {
  it.each([
    [0.00312, "0.31 % of it"],
    [8.4, "840 % of it"],
    [9.96, "1000 % of it"],
    [10, "10 times it"],
    [150.4, "150 times it"],
    [2.34e9, "2.3e9 times it"],
    [Number.POSITIVE_INFINITY, "Infinity times it"],
  ])("writes %d as %s", (ratio, text) => {
    expect(shareOf(ratio, "it")).toBe(text);
  });
});

describe("formatCount", () => {
  it("groups digits", () => {
    expect(formatCount(7)).toBe("7");
    expect(formatCount(1204)).toBe("1\u202f204");
  });
});

describe("formatRate", () => {
  it.each([
    [0.002, "0.002"],
    [2e-4, "2e-4"],
    [0.0012345, "0.00123"],
    [1.2345e-5, "1.23e-5"],
    [0, "0"],
    [1, "1"],
    [10, "10"],
    [123.4, "123"],
    [12000, "12\u202f000"],
    [2e7, "2e7"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "∞"],
  ])("writes %d as %s", (rate, text) => {
    expect(formatRate(rate)).toBe(text);
  });
});

describe("Throttle", () => {
  let calls = 0;
  let throttle: Throttle;

  beforeEach(() => {
    vi.useFakeTimers();
    calls = 0;
    throttle = new Throttle(500, () => {
      calls += 1;
    });
  });

  afterEach(() => {
    throttle.dispose();
    vi.useRealTimers();
  });

  it("acts at once, then at most once an interval", () => {
    for (let ms = 0; ms < 2000; ms += 10) {
      throttle.call();
      vi.advanceTimersByTime(10);
    }
    expect(calls).toBe(5);
  });

  it("does not lose the last call, and then rests", () => {
    throttle.call();
    throttle.call();
    expect(calls).toBe(1);
    vi.advanceTimersByTime(5000);
    expect(calls).toBe(2);
  });

  it("is silent after dispose", () => {
    throttle.call();
    throttle.call();
    throttle.dispose();
    vi.advanceTimersByTime(5000);
    expect(calls).toBe(1);
  });
});
