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

  /** The pixel of a positive number; numbers outside of the domain have the colour of its end. */
  pixel(value: number, [low, high]: Range): number {
    const share = Math.log(value / low) / Math.log(high / low);
    const shade = Math.round(Math.min(Math.max(share, 0), 1) * (SHADES - 1));
    return this.shades[Number.isNaN(shade) ? SHADES - 1 : shade] ?? 0;
  }
}
