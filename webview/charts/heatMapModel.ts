import { type Range, withoutOutliers } from "../data/scale.ts";
import { ChartRows } from "./chartRows.ts";
import { HeatCells, type HeatRow } from "./heatCells.ts";
import type { ChartModel, ColorScale, Drawn, Reading, Window } from "./model.ts";
import type { Ramp } from "./ramp.ts";

/** How far below the greatest value the colours reach at most, unless all is to be shown. */
const LOWEST = 1e-6;

/** Pixels of a row: every other one of what is not finite stays empty, so that no eye needs its colour. */
const ROW_PIXELS = 4;

/** One row for each tensor, one column of pixels for the steps that stand there. */
export class HeatMapModel implements ChartModel {
  readonly kind = "heatMap";
  readonly smoothed = false;
  readonly oneScale = true;
  readonly dataSets;
  readonly rows: ChartRows;
  private readonly cells: HeatCells;
  private readonly ramp: Ramp;
  private scale: ColorScale;
  /** Vega draws anew what is another object than before: two in turns. */
  private readonly canvases = [document.createElement("canvas"), document.createElement("canvas")];
  private readonly picture;

  /** @param chosen name of the tensor that is chosen in the other charts. */
  constructor(rows: readonly HeatRow[], chosen: string, ramp: Ramp) {
    const names = rows.map(({ name }) => name);
    this.rows = new ChartRows(names, Math.max(0, names.indexOf(chosen)));
    this.cells = new HeatCells(rows);
    this.ramp = ramp;
    const note = "mean of the steps of a column";
    this.scale = { stops: ramp.stops, domain: [Infinity, -Infinity], note, isOdd: false };
    this.picture = { x: 0, x2: 1, y: 0, y2: rows.length, image: this.canvases[0] };
    this.dataSets = { picture: [this.picture] };
  }

  get colors(): ColorScale {
    return this.scale;
  }

  write(window: Window, width: number): Drawn {
    this.cells.cut(window, Math.max(1, width));
    [this.picture.x, this.picture.x2] = window.domain;
    const extremes = this.cells.extremes();
    const [low, high] = withoutOutliers(extremes, "log");
    const extent: Range = [extremes[0] ?? low, extremes.at(-1) ?? high];
    const typical: Range = [Math.max(low, high * LOWEST), high];
    return { extent, typical, points: this.cells.columns, values: this.cells.steps };
  }

  /** Paints the cells in the colours of a domain of values. */
  mark(_window: Window, shown: Range): void {
    const [canvas] = this.canvases.reverse();
    if (!canvas) return;
    const { ramp, cells } = this;
    const { columns, values } = cells;
    canvas.width = columns;
    canvas.height = this.rows.names.length * ROW_PIXELS;
    const image = new ImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    for (const [cell, value] of values.entries()) {
      if (!(value > 0)) continue;
      const odd = value === Number.POSITIVE_INFINITY;
      const pixel = odd ? ramp.alarm : ramp.pixel(value, shown);
      const row = Math.floor(cell / columns) * ROW_PIXELS;
      const column = cell % columns;
      for (let i = 0; i < ROW_PIXELS; i += odd ? 2 : 1)
        pixels[(row + i) * columns + column] = pixel;
    }
    canvas.getContext("2d")?.putImageData(image, 0, 0);
    this.picture.image = canvas;
    this.scale = { ...this.scale, domain: shown, isOdd: values.includes(Infinity) };
  }

  readings(row: number): readonly Reading[] {
    return this.table(row).slice(this.rows.current, this.rows.current + 1);
  }

  table(row: number): readonly Reading[] {
    return this.cells.rows.map(({ name, samples }) => ({
      label: name,
      value: samples.at(row),
      slot: undefined,
    }));
  }
}
