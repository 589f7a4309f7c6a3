import { extents, type Range } from "../data/scale.ts";
import { ChartRows } from "./chartRows.ts";
import { HeatCells, type HeatRow } from "./heatCells.ts";
import type { ChartModel, ColorScale, Drawn, Reading, Window } from "./model.ts";
import { partWithRows, pixelsOf } from "./pixelColumns.ts";
import { PixelTable } from "./pixelTable.ts";
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
  private image: ImageData;

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
    this.image = new ImageData(1, Math.max(1, rows.length * ROW_PIXELS));
  }

  get colors(): ColorScale {
    return this.scale;
  }

  get isWhole(): boolean {
    return this.cells.isCurrent;
  }

  write(window: Window, width: number): Drawn {
    const part = partWithRows(window);
    this.cells.cut(part, pixelsOf(part, window, width));
    [this.picture.x, this.picture.x2] = part.domain;
    const {
      extent,
      typical: [low, high],
    } = extents(this.cells.extremes(), "log");
    const typical: Range = [Math.max(low, high * LOWEST), high];
    return { extent, typical, points: this.cells.columns, values: this.cells.steps };
  }

  /** Paints the cells in the colours of a domain of values. */
  mark(_window: Window, shown: Range): void {
    const [canvas] = this.canvases.reverse();
    if (!canvas) return;
    const { columns } = this.cells;
    const height = this.rows.names.length * ROW_PIXELS;
    if (canvas.width !== columns) canvas.width = columns;
    if (canvas.height !== height) canvas.height = height;
    if (this.image.width !== columns) this.image = new ImageData(columns, height);
    const isOdd = this.paint(new Uint32Array(this.image.data.buffer), shown);
    canvas.getContext("2d")?.putImageData(this.image, 0, 0);
    this.picture.image = canvas;
    this.scale = { ...this.scale, domain: shown, isOdd };
  }

  /** Paints all cells; returns whether anything is not finite. */
  private paint(pixels: Uint32Array, shown: Range): boolean {
    const { alarm } = this.ramp;
    const { columns, values } = this.cells;
    const table = new PixelTable(shown, this.ramp.over(shown));
    const halves = new Uint32Array(values.buffer);
    let isOdd = false;
    for (let from = 0; from < values.length; from += columns) {
      const line = from * ROW_PIXELS;
      const odd: number[] = [];
      for (let column = 0; column < columns; column++) {
        const value = values[from + column] ?? Number.NaN;
        const isOver = value === Number.POSITIVE_INFINITY;
        if (isOver) odd.push(column);
        const upper = halves[2 * (from + column) + 1] ?? 0;
        pixels[line + column] = isOver ? alarm : value > 0 ? table.at(upper) : 0;
      }
      for (let i = 1; i < ROW_PIXELS; i++) {
        pixels.copyWithin(line + i * columns, line, line + columns);
        if (i % 2 === 1) for (const column of odd) pixels[line + i * columns + column] = 0;
      }
      isOdd ||= odd.length > 0;
    }
    return isOdd;
  }

  readings(row: number, beyond?: number): readonly Reading[] {
    const after = beyond === undefined ? {} : { absent: "–" };
    const { current } = this.rows;
    return this.table(row)
      .slice(current, current + 1)
      .map(reading => ({ ...reading, ...after }));
  }

  table(row: number): readonly Reading[] {
    return this.cells.rows.map(({ name, samples }) => ({
      label: name,
      value: samples.at(row),
      slot: undefined,
    }));
  }
}
