import { scheme } from "vega";
import type { Range } from "../data/scale.ts";
import type { Theme } from "../theme.ts";

/** Colours of a ramp: more than an eye tells apart. */
const SHADES = 256;

/** `rgb(r, g, b)`, `#rrggbb` or any other CSS colour, as a pixel of ImageData: little-endian RGBA. */
function pixelOf(color: string): number {
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  if (!context) return 0;
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return new Uint32Array(context.getImageData(0, 0, 1, 1).data.buffer)[0] ?? 0;
}

/**
 * Colours for numbers on a logarithmic scale: viridis (van der Walt & Smith 2015), which eyes of all
 * kinds read, and grey print. What is greater stands out more from the background.
 */
export class Ramp {
  /** Colour of what is not finite. */
  readonly alarm: number;
  /** CSS colours from the least to the greatest. */
  readonly stops: readonly string[];
  private readonly shades: Uint32Array;

  constructor({ error, dark }: Theme) {
    const viridis = scheme("viridis") as (share: number) => string;
    const at = (share: number) => viridis(dark ? share : 1 - share);
    this.stops = Array.from({ length: 9 }, (_, i) => at(i / 8));
    this.shades = Uint32Array.from({ length: SHADES }, (_, i) => pixelOf(at(i / (SHADES - 1))));
    this.alarm = pixelOf(error);
  }

  /** Pixels of positive numbers; those outside of the domain have the colour of its end. */
  over([low, high]: Range): (value: number) => number {
    const { shades } = this;
    const begin = Math.log(low);
    const scale = (SHADES - 1) / (Math.log(high) - begin);
    return value => {
      const shade = Math.round((Math.log(value) - begin) * scale);
      // A domain without width has the last colour alone.
      return shades[shade >= 0 ? Math.min(shade, SHADES - 1) : shade < 0 ? 0 : SHADES - 1] ?? 0;
    };
  }
}
