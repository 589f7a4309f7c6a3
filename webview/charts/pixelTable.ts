import type { Range } from "../data/scale.ts";

/** Bits of the upper half of a double that tell it to within a five-hundredth: sign, exponent, nine of the mantissa. */
const KEY_SHIFT = 11;

/** Pixels of a domain by the upper bits of a positive number, for cells that are too many for a logarithm each. */
export class PixelTable {
  private readonly first: number;
  private readonly pixels: Uint32Array;

  /** @param pixelOf the pixel of a number in the domain, which is empty or of positive numbers. */
  constructor([low, high]: Range, pixelOf: (value: number) => number) {
    const [double, halves] = upperHalf();
    const keyOf = (value: number) => {
      double[0] = value;
      return (halves[1] ?? 0) >>> KEY_SHIFT;
    };
    this.first = keyOf(low);
    const length = low <= high ? keyOf(high) - this.first + 1 : 0;
    this.pixels = Uint32Array.from({ length }, (_, i) => {
      halves[0] = 0;
      // In the middle of those with this key.
      halves[1] = ((this.first + i) << KEY_SHIFT) | (1 << (KEY_SHIFT - 1));
      return pixelOf(double[0] ?? low);
    });
  }

  /** The pixel of a positive number, by the upper half of its bits; outside of the domain that of its end. */
  at(upper: number): number {
    const { pixels } = this;
    const place = (upper >>> KEY_SHIFT) - this.first;
    return pixels[place < 0 ? 0 : Math.min(place, pixels.length - 1)] ?? 0;
  }
}

/** A double, and its two halves: processors that run a browser are little-endian. */
function upperHalf(): [Float64Array, Uint32Array] {
  const double = new Float64Array(1);
  return [double, new Uint32Array(double.buffer)];
}
