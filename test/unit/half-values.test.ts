/** float16 on the host: bits and numbers. */
import { expect, test } from "vitest";
import {
  decodeHalves,
  encodeHalves,
  halfValue,
  roundToHalf,
} from "../../runtime/kernels/halfValues.ts";

const ALL = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);

test("every number goes to its bits and back", () => {
  const numbers = decodeHalves(ALL.buffer, ALL.length);
  expect(new Uint16Array(encodeHalves(numbers).buffer)).toEqual(
    ALL.map(bits => ((bits & 0x7fff) > 0x7c00 ? 0x7e00 : bits)),
  );
  expect([...numbers].filter(value => Number.isNaN(value))).toHaveLength(2 * 1023);
});

test("what lies between two is rounded to the nearer, halfway to the even one", () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [halfValue(bits), halfValue(bits + 1)];
    const middle = (low + high) / 2;
    const even = bits % 2 === 0 ? low : high;
    const nearby = (high - low) * 2 ** -30;
    const rounded = [middle - nearby, middle, middle + nearby].map(roundToHalf);
    if (rounded[0] !== low || rounded[1] !== even || rounded[2] !== high) {
      expect(rounded, `between ${low} and ${high}`).toEqual([low, even, high]);
    }
  }
});

test("the largest, the smallest, and what lies beyond", () => {
  expect([65_504, 65_519.999, 65_520, -65_520, 1e300].map(roundToHalf)).toEqual([
    65_504,
    65_504,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  ]);
  expect([2 ** -24, 2 ** -25, -(2 ** -25), 1.0001 * 2 ** -25].map(roundToHalf)).toEqual([
    2 ** -24,
    0,
    -0,
    2 ** -24,
  ]);
  expect(roundToHalf(Number.NaN)).toBeNaN();
});

test("of an odd number the last word is half full", () => {
  expect([...encodeHalves([1, -2, 0.5])]).toEqual([0xc000_3c00, 0x3800]);
});
