import { EventMarks, type RunEvents } from "../control/eventMarks.ts";
import {
  nearestRow,
  numberOf,
  type Positions,
  partOf,
  rowAt,
  rowsIn,
  shareOf,
  xTicks,
} from "../data/axis.ts";
import { formatExact } from "../data/format.ts";
import { linearTicks, logTicks, type Range, type ScaleKind } from "../data/scale.ts";
import { element, setHidden, setText } from "../dom.ts";
import { markSlot, type Theme } from "../theme.ts";
import type { ChartRows } from "./chartRows.ts";
import type { Crosshair } from "./crosshair.ts";
import { type Area, Gestures, scaledAt } from "./gestures.ts";
import { type ChartModel, type Reading, textOf, type Window } from "./model.ts";
import { PADDING, type Scales, VegaChart } from "./vegaChart.ts";

/** CSS pixels of an axis for one tick. */
const X_TICK = 64;
const Y_TICK = 28;

/** CSS pixels of an axis for the name of a row, of a letter of it, and between name and plot. */
const ROW_TICK = 14;
const LETTER = 6.4;
const ROW_GAP = 10;

/** Share of the width that names get, and CSS pixels that they get at most. */
const NAMES_SHARE = 0.24;
const MOST_NAMES = 170;

/** A press of + or − makes what is shown so many times as wide. */
const KEY_ZOOM = 0.5;

export interface PlotOptions {
  readonly title: string;
  readonly crosshair: Crosshair;
  /** The plot has got another size. */
  readonly resized: () => void;
  /** Shows a part of the axes; an axis that is undefined stays as it is. */
  readonly zoom: (x: Range | undefined, y: Range | undefined) => void;
  /** What was last asked for of the x axis: what is drawn may be behind it. */
  readonly asked: () => Window | undefined;
  /** Shows all of both axes. */
  readonly reset: () => void;
  /** Pointer or keyboard are at another row of a chart that has rows. */
  readonly rowPointed: () => void;
  /** A row was clicked, or Enter pressed at it. */
  readonly rowChosen: (name: string) => void;
}

/** What a plot shows. */
export interface PlotView {
  readonly window: Window;
  readonly yDomain: Range;
  readonly yScale: ScaleKind;
  /** Steps by row. */
  readonly steps: Positions;
  readonly events: RunEvents;
  /** Something may be drawn after the run's end: of other runs, or what is planned. */
  readonly goesOn: boolean;
}

/**
 * The drawing of a chart with what lies above it: the crosshair and its tooltip are elements of
 * the page, so that a moving pointer redraws nothing. For a keyboard it is a slider over the steps.
 */
export class Plot {
  readonly root: HTMLElement;
  private readonly canvas = element("div", { class: "plot-canvas" });
  private readonly line = element("div", { class: "crosshair", attributes: { hidden: "" } });
  private readonly rowBox = element("div", { class: "row-box", attributes: { hidden: "" } });
  private readonly tooltip = element("div", { class: "tooltip", attributes: { hidden: "" } });
  private readonly marks = new EventMarks();
  private readonly options: PlotOptions;
  private readonly gestures: Gestures;
  private vega: VegaChart | undefined;
  /** Makes the drawing when it is first seen: most charts of a page are not, at first. */
  private make: (() => VegaChart) | undefined;
  private view: PlotView | undefined;
  private rows: ChartRows | undefined;
  private width = 0;
  private height = 0;
  private active = false;
  /** What is pointed at was reached by a key. */
  private isKeyed = false;
  private theme: Theme | undefined;

  constructor(options: PlotOptions) {
    this.options = options;
    this.canvas.setAttribute("aria-hidden", "true");
    this.root = element(
      "div",
      {
        class: "plot",
        attributes: {
          role: "slider",
          tabindex: "0",
          "aria-label": `${options.title} by step`,
          "aria-keyshortcuts": "ArrowLeft ArrowRight Home End + - 0",
          "aria-valuemin": "1",
          "aria-valuemax": "1",
          "aria-valuenow": "1",
        },
      },
      this.canvas,
      this.marks.root,
      this.line,
      this.rowBox,
      this.tooltip,
    );
    this.gestures = new Gestures(this.root, {
      area: () => this.area(),
      zoom: (x, y) => this.zoom(x, y),
      go: x => this.go(x),
      reset: options.reset,
    });
    this.observeSize();
    this.followPointer();
    this.followKeys();
  }

  /** Has the drawing made anew: other data sets, other scales or theme. Without model it is empty. */
  rebuild(model: ChartModel | undefined, scales: Scales, theme: Theme, axisTitle: string): void {
    this.vega?.dispose();
    this.vega = undefined;
    this.theme = theme;
    this.canvas.replaceChildren();
    this.rows = model?.rows;
    setHidden(this.rowBox, true);
    this.make = model && (() => new VegaChart(this.canvas, model, scales, theme, axisTitle));
  }

  /** Width of the plot in device pixels. */
  get pixels(): number {
    return Math.round(this.area().width * devicePixelRatio);
  }

  /** Draws the model's data sets as they are now. */
  async draw(view: PlotView): Promise<void> {
    if (!this.make || this.width === 0) return;
    this.vega ??= this.make();
    this.view = view;
    const { window, yDomain, yScale } = view;
    const { left, width, height } = this.area();
    this.marks.draw(view.events, step => this.placeOf(rowAt(view.steps, step)), left, width);
    const x = xTicks(window.kind, window.domain, window.scale, Math.floor(width / X_TICK));
    this.vega.resize(this.width, this.height, left);
    await this.vega.draw({
      xDomain: window.domain,
      yDomain,
      xTicks: x.values,
      xLabels: x.labels,
      xTitle: x.title,
      ...this.yTicks(yDomain, yScale, height),
      left,
    });
  }

  /** What is drawn, with the marks above it, as an SVG document of this size. */
  async toSvg(): Promise<{ svg: string; width: number; height: number } | undefined> {
    const { vega, theme, width, height } = this;
    if (!vega || !theme || !this.view) return undefined;
    const { top, height: inner } = this.area();
    const marks = this.marks.toSvg(top, top + inner, theme);
    const svg = (await vega.toSvg()).replace(/<\/svg>\s*$/, () => `${marks}</svg>`);
    return { svg, width, height };
  }

  private yTicks(domain: Range, scale: ScaleKind, height: number) {
    const { rows } = this;
    if (!rows) {
      const ticks = scale === "log" ? logTicks : linearTicks;
      return {
        yTicks: ticks(domain, Math.floor(height / Y_TICK)),
        yLabels: [],
        yChosen: Number.NaN,
      };
    }
    const letters = Math.floor((this.left - ROW_GAP) / LETTER);
    const { values, labels } = rows.ticks(domain, Math.floor(height / ROW_TICK), letters);
    return { yTicks: values, yLabels: labels, yChosen: rows.middle(rows.chosen) };
  }

  /** Shows, or hides, the crosshair with what is read off at its row, which `title` names. */
  point(row: number | undefined, title: string, readings: readonly Reading[]): void {
    const { view } = this;
    if (!view) return;
    const { positions } = view.window;
    const x = row === undefined ? Number.NaN : this.placeOf(row, this.options.crosshair.beyond);
    const { left, width } = this.area();
    const shown = x >= left && x <= left + width;
    setHidden(this.line, !shown);
    setHidden(this.tooltip, !shown || !this.active);
    this.describe(row ?? positions.length - 1, readings);
    this.showRow();
    if (!shown) return;
    this.line.style.transform = `translateX(${x}px)`;
    if (this.active) this.showTooltip(x, title, readings);
  }

  /** Puts a box around the row that is pointed at. */
  private showRow(): void {
    const { rows, view } = this;
    if (!view) return;
    const { pointed } = rows ?? {};
    setHidden(this.rowBox, !rows || pointed === undefined);
    if (!rows || pointed === undefined) return;
    const { left, top, width, height } = this.area();
    const [low, high] = view.yDomain;
    const size = height / (high - low);
    const { style } = this.rowBox;
    style.left = `${left}px`;
    style.width = `${width}px`;
    style.top = `${top + (high - rows.middle(pointed) - 0.5) * size}px`;
    style.height = `${size}px`;
  }

  private describe(row: number, readings: readonly Reading[]): void {
    const { root, view } = this;
    if (!view || view.steps.length === 0) return;
    const values = readings.map(each => `${each.label} ${textOf(each, formatExact)}`).join(", ");
    const [first, last] = this.stepRows();
    root.setAttribute("aria-valuemin", String(view.steps.at(first)));
    root.setAttribute("aria-valuemax", String(view.steps.at(last)));
    const step = view.steps.at(row);
    root.setAttribute("aria-valuenow", String(step));
    const events = view.events.marks.filter(mark => mark.step === step).map(({ text }) => text);
    root.setAttribute("aria-valuetext", [`step ${step}: ${values}`, ...events].join("; "));
  }

  /** Where a row stands, or what is beyond all rows, in CSS pixels from the left. */
  private placeOf(row: number, beyond?: number): number {
    if (!this.view) return Number.NaN;
    const { positions, domain, scale } = this.view.window;
    const at = beyond ?? positions.at(Math.min(row, positions.length - 1));
    return this.left + shareOf(at, domain, scale) * this.area().width;
  }

  private showTooltip(x: number, title: string, readings: readonly Reading[]): void {
    const rows = readings.map(reading => {
      const row = element("div", { class: "tooltip-row" });
      markSlot(row, readings.length > 1 ? reading.slot : undefined);
      row.append(
        element("span", { text: reading.label }),
        element("span", { class: "tooltip-value", text: textOf(reading, formatExact) }),
      );
      return row;
    });
    const head = element("div", { class: "tooltip-step" });
    setText(head, title);
    const events = this.marks.near(x).map(text => element("div", { class: "tooltip-event", text }));
    this.tooltip.replaceChildren(head, ...rows, ...events);
    const { offsetWidth } = this.tooltip;
    const right = x + 12 + offsetWidth <= this.width;
    const left = right ? x + 12 : Math.max(0, x - 12 - offsetWidth);
    this.tooltip.style.transform = `translate(${Math.round(left)}px, ${PADDING.top}px)`;
  }

  private area(): Area {
    return {
      left: this.left,
      top: PADDING.top,
      width: Math.max(1, this.width - this.left - PADDING.right),
      height: Math.max(1, this.height - PADDING.top - PADDING.bottom),
    };
  }

  /** Room left of the plot: for numbers, or for names. */
  private get left(): number {
    if (!this.rows) return PADDING.left;
    return Math.round(Math.min(Math.max(this.width * NAMES_SHARE, PADDING.left), MOST_NAMES));
  }

  /** First and last step that a window shows, by their rows in the run. */
  private stepRows(window = this.view?.window): Range {
    if (!window) return [0, 0];
    const { positions, domain } = window;
    const [from, to] = rowsIn(positions, domain);
    if (to > from) return [from, to - 1];
    // All that is shown may be what is planned.
    const nearest = Math.max(0, Math.min(from, positions.length - 1));
    return [nearest, nearest];
  }

  private zoom(x: Range | undefined, y: Range | undefined): void {
    if (!this.view) return;
    const { window, yDomain, yScale } = this.view;
    this.options.zoom(
      x && partOf(window.domain, ...x, window.scale),
      y && partOf(yDomain, ...y, yScale),
    );
  }

  private go(x: Range): void {
    const asked = this.options.asked();
    if (asked) this.options.zoom(partOf(asked.domain, ...x, asked.scale), undefined);
  }

  private observeSize(): void {
    new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      if (width === this.width && height === this.height) return;
      this.width = width;
      this.height = height;
      this.options.resized();
    }).observe(this.root);
  }

  private followPointer(): void {
    this.root.addEventListener("pointermove", event => {
      if (!this.view) return;
      this.active = true;
      this.isKeyed = false;
      const { positions, domain, scale } = this.view.window;
      const { left, width } = this.area();
      const share = (event.clientX - this.root.getBoundingClientRect().left - left) / width;
      if (this.rows) this.pointRow(this.rows, event.clientY);
      const x = Math.min(numberOf(share, domain, scale), domain[1]);
      const isBeyond = x > positions.at(positions.length - 1) && this.view.goesOn;
      this.pointAt(nearestRow(positions, x), isBeyond ? x : undefined);
    });
    this.root.addEventListener("click", () => this.chooseRow());
    // A page that moves beneath a pointer that rests takes the chart from it, too: where a key went, that is no reason to leave.
    this.root.addEventListener("pointerleave", () => {
      if (!this.isKeyed) this.leave();
    });
  }

  private pointRow(rows: ChartRows, clientY: number): void {
    if (!this.view) return;
    const { top, height } = this.area();
    const share = 1 - (clientY - this.root.getBoundingClientRect().top - top) / height;
    rows.pointed = rows.at(numberOf(share, this.view.yDomain, "linear"));
    this.options.rowPointed();
  }

  private chooseRow(): void {
    const { rows } = this;
    const name = rows?.pointed === undefined ? undefined : rows.names[rows.pointed];
    if (name !== undefined) this.options.rowChosen(name);
  }

  private followKeys(): void {
    this.root.addEventListener("blur", () => this.leave());
    this.root.addEventListener("keydown", event => {
      if (!this.view || event.ctrlKey || event.metaKey || event.altKey) return;
      const [, last] = this.stepRows();
      const from = this.options.crosshair.row ?? last;
      if (this.rows && this.keyRow(this.rows, event.key)) {
        event.preventDefault();
        return;
      }
      const target = this.keyTarget(event.key, from, event.shiftKey ? 10 : 1);
      if (target === undefined && !this.keyZoom(event.key)) return;
      event.preventDefault();
      if (target === undefined) return;
      this.active = true;
      this.isKeyed = true;
      this.pointAt(target);
    });
  }

  /** Does what a key means among rows; false for one that means nothing there. */
  private keyRow(rows: ChartRows, key: string): boolean {
    if (key === "ArrowUp" || key === "ArrowDown") {
      this.active = true;
      this.isKeyed = true;
      rows.move(key === "ArrowUp" ? -1 : 1);
      this.options.rowPointed();
      return true;
    }
    if (key !== "Enter") return false;
    this.chooseRow();
    return true;
  }

  /** The row to which a key goes; undefined for a key that goes nowhere. */
  private keyTarget(key: string, from: number, by: number): number | undefined {
    const [first, last] = this.stepRows();
    const page = Math.max(1, Math.round((last - first) / 10));
    const targets: Readonly<Record<string, number>> = {
      ArrowLeft: from - by,
      ArrowDown: from - by,
      ArrowRight: from + by,
      ArrowUp: from + by,
      PageDown: from - page,
      PageUp: from + page,
      Home: first,
      End: last,
    };
    return targets[key];
  }

  /** Does what a key means that goes nowhere; false for a key that means nothing here. */
  private keyZoom(key: string): boolean {
    switch (key) {
      case "+":
      case "=":
        this.zoomBy(KEY_ZOOM);
        return true;
      case "-":
        this.zoomBy(1 / KEY_ZOOM);
        return true;
      case "0":
        this.options.reset();
        return true;
      case "Escape":
        return this.gestures.cancel() || this.leave();
      default:
        return false;
    }
  }

  /** Makes what was asked for so many times as wide, at the crosshair or else at the last step. */
  private zoomBy(factor: number): void {
    const asked = this.options.asked();
    if (!asked) return;
    const { positions, domain, scale } = asked;
    const { beyond, row = this.stepRows(asked)[1] } = this.options.crosshair;
    const share = shareOf(beyond ?? positions.at(row), domain, scale);
    this.go(scaledAt(Math.min(Math.max(share, 0), 1), factor));
  }

  /** Points all charts at a row of those that are shown. */
  private pointAt(row: number, beyond?: number): void {
    const [first, last] = this.stepRows();
    this.options.crosshair.point(Math.min(Math.max(row, first), last), beyond);
  }

  /** False if nothing was pointed at. */
  private leave(): boolean {
    const pointed = this.active;
    this.active = false;
    this.isKeyed = false;
    if (this.rows) this.rows.pointed = undefined;
    setHidden(this.rowBox, true);
    this.options.crosshair.point(undefined);
    setHidden(this.tooltip, true);
    return pointed;
  }
}
