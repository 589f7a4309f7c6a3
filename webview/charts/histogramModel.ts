import { formatCount } from "../data/format.ts";
import type { Range } from "../data/scale.ts";
import {
  fullestOctave,
  HistogramCells,
  type HistogramSource,
  shareBelow,
} from "./histogramCells.ts";
import type { ChartModel, ColorScale, Drawn, Reading, Window } from "./model.ts";
import { partWithRows, pixelsOf } from "./pixelColumns.ts";
import type { Ramp } from "./ramp.ts";

/** Rows of the picture, over the whole of the axis. */
const ROWS = 256;

/** Step sizes of a tensor's elements by octave, over the steps that left a histogram. */
export class HistogramModel implements ChartModel {
  readonly kind = "histogram";
  readonly smoothed = false;
  readonly oneScale = true;
  readonly dataSets;
  private readonly cells: HistogramCells;
  private readonly ramp: Ramp;
  private scale: ColorScale;
  private shown: Range = [0, 1];
  /** Vega draws anew what is another object than before: two in turns. */
  private readonly canvases = [document.createElement("canvas"), document.createElement("canvas")];
  private readonly picture;

  constructor(source: HistogramSource, ramp: Ramp) {
    this.cells = new HistogramCells(source);
    this.ramp = ramp;
    const { elements, sampled } = source;
    const of =
      sampled < elements
        ? `a sample of ${formatCount(sampled)} elements`
        : `${formatCount(elements)} ${elements === 1 ? "element" : "elements"}`;
    const note = `share of ${of} in an octave`;
    this.scale = { stops: ramp.stops, domain: [Infinity, -Infinity], note, isOdd: false };
    this.picture = { x: 0, x2: 1, y: 0.1, y2: 1, image: this.canvases[0] };
    this.dataSets = { picture: [this.picture] };
  }

  get colors(): ColorScale {
    return this.scale;
  }

  write(window: Window, width: number): Drawn {
    const { cells } = this;
    const part = partWithRows(window);
    cells.cut(part, pixelsOf(part, window, width));
    [this.picture.x, this.picture.x2] = part.domain;
    const { low, high, typical, share } = cells.extremes();
    const domain: Range = share > 0 ? [1 / cells.source.sampled, share] : [Infinity, -Infinity];
    this.scale = { ...this.scale, domain };
    const points = Math.min(cells.length, cells.columns);
    return { extent: [low, high], typical: [typical, high], points, values: cells.length };
  }

  /** Paints what lies in a domain of values. */
  mark(_window: Window, shown: Range): void {
    this.shown = shown;
    const [canvas] = this.canvases.reverse();
    if (!canvas) return;
    const { columns } = this.cells;
    canvas.width = columns;
    canvas.height = ROWS;
    const image = new ImageData(columns, ROWS);
    const pixels = new Uint32Array(image.data.buffer);
    const pixelOf = this.ramp.over(this.scale.domain);
    for (let column = 0; column < columns; column++) {
      for (const [row, share] of this.cells.shares(column, shown, ROWS).entries()) {
        if (share > 0) pixels[row * columns + column] = pixelOf(share);
      }
    }
    canvas.getContext("2d")?.putImageData(image, 0, 0);
    [this.picture.y, this.picture.y2] = shown;
    this.picture.image = canvas;
  }

  readings(row: number, beyond?: number): readonly Reading[] {
    const histogram = beyond === undefined ? this.cells.at(row) : undefined;
    const { from, share } = histogram ? fullestOctave(histogram) : { from: NaN, share: NaN };
    const below = histogram ? shareBelow(histogram, this.shown[0]) : Number.NaN;
    const rest = { slot: undefined, ...(histogram ? {} : { absent: "–" }) };
    return [
      { label: "fullest octave from", value: from, ...rest },
      { label: "its share", value: share, ...rest },
      { label: "share below the axis", value: below, ...rest },
    ];
  }
}
