import { describeEvents, type RunEvents } from "../control/eventMarks.ts";
import { press, toggle } from "../controls.ts";
import { describePlace, rowsIn } from "../data/axis.ts";
import { formatCount, formatSteps, formatValue } from "../data/format.ts";
import type { RunSeries } from "../data/runSeries.ts";
import { yDomain as domainOf, type Range, type ScaleKind } from "../data/scale.ts";
import { element, icon, setHidden, setText } from "../dom.ts";
import { markSlot, type Theme } from "../theme.ts";
import { CardFrame, type FrameOptions } from "./cardFrame.ts";
import { ColorLegend } from "./colorLegend.ts";
import type { Crosshair } from "./crosshair.ts";
import { type ChartModel, type Drawn, type Reading, textOf, type Window } from "./model.ts";
import { type Picture, pictureOf } from "./picture.ts";
import { Plot, type PlotView } from "./plot.ts";
import { ReadingTable } from "./readingTable.ts";
import type { Scales } from "./vegaChart.ts";

export interface CardOptions extends FrameOptions {
  /** Chooses what is drawn; stands with its name left of the legend. */
  readonly control?: { readonly label: string; readonly root: HTMLElement };
  readonly crosshair: Crosshair;
  /** Asks for a redraw. */
  readonly redraw: () => void;
  readonly scaleChosen: (scale: ScaleKind) => void;
  /** Shows a part of the axes; an axis that is undefined stays as it is. */
  readonly zoom: (x: Range | undefined, y: Range | undefined) => void;
  /** What was last asked for of the x axis; nothing without a run. */
  readonly asked: () => Shown | undefined;
  /** Shows all of both axes. */
  readonly reset: () => void;
  /** A tensor was chosen in a chart that has a row for each. */
  readonly tensorChosen: (name: string) => void;
}

/** What a card shows. */
export interface CardContent {
  readonly model: ChartModel;
  readonly scales: Scales;
  readonly axisTitle: string;
  /** The tensor of which it is; empty where it is of none alone. */
  readonly subject: string;
}

/** What charts show of the x axis. */
export interface Shown {
  readonly window: Window;
  /** All of the x axis is shown. */
  readonly isWhole: boolean;
}

/** What a card draws of its content. */
export interface CardView extends Shown {
  readonly series: RunSeries;
  /** Index of the tensor that is chosen. */
  readonly tensor: number;
  /** The part of the y axis that was chosen. */
  readonly yZoom: Range | undefined;
  readonly ignoresOutliers: boolean;
  readonly events: RunEvents;
  /** Other runs are compared. */
  readonly hasOthers: boolean;
}

/** A chart with its title, value, number of points, legend, choice of scale, and as a table. */
export class ChartCard {
  private readonly frame: CardFrame;
  private readonly plot: Plot;
  private readonly steps = element("span", { class: "chart-steps" });
  private readonly legend = element("ul", { class: "legend" });
  private readonly colors = new ColorLegend();
  private readonly waiting = element("p", { class: "plot-waiting" });
  private readonly table = new ReadingTable();
  private readonly scaleButton: HTMLButtonElement;
  readonly title: string;
  private readonly crosshair: Crosshair;
  private content: CardContent | undefined;
  private theme: Theme | undefined;
  private view: CardView | undefined;
  private drawn: Drawn | undefined;
  private dirty = true;
  /** What the plot is to show once it is seen; undefined where it shows that. */
  private undrawn: PlotView | undefined;
  /** Some of what was computed is still on its way. */
  isWaiting = false;

  constructor(options: CardOptions) {
    const { title, control, crosshair, redraw } = options;
    this.title = title;
    this.crosshair = crosshair;
    this.scaleButton = this.makeScaleButton(options);
    this.plot = new Plot({
      title,
      crosshair,
      zoom: options.zoom,
      asked: () => {
        const asked = options.asked();
        return asked && this.content && windowOf(this.content.model, asked);
      },
      reset: options.reset,
      rowPointed: () => this.showReadings(),
      rowChosen: options.tensorChosen,
      resized: () => {
        this.dirty = true;
        redraw();
      },
    });
    this.plot.root.append(this.steps, this.waiting);
    const label = control && element("span", { class: "choice-label", text: control.label });
    this.frame = new CardFrame(
      options,
      {
        plot: this.plot.root,
        buttons: [this.makeTableButton(), this.scaleButton],
        choice: [...(control && label ? [label, control.root] : []), this.legend, this.colors.root],
        table: this.table.root,
      },
      () => (this.dirty || this.undrawn) && redraw(),
    );
    crosshair.onChange(() => this.showReadings());
  }

  get root(): HTMLElement {
    return this.frame.root;
  }

  /** Shows other content, or none yet; draws it with the next `draw`. */
  show(content: CardContent | undefined, theme: Theme, waiting: string): void {
    this.content = content;
    this.theme = theme;
    this.dirty = true;
    this.undrawn = undefined;
    const scales = content?.scales ?? { x: "linear", y: "linear" };
    press(this.scaleButton, scales.y === "log");
    this.scaleButton.disabled = !content;
    this.scaleButton.hidden = content?.model.oneScale === true;
    this.plot.rebuild(content?.model, scales, theme, content?.axisTitle ?? "");
    setText(this.waiting, waiting);
    this.waiting.hidden = content !== undefined;
    if (!content) this.clear();
  }

  /** Where what it draws ends, if that is after the last step. */
  get end(): number | undefined {
    return this.content?.model.end;
  }

  /** Gives it its height, in CSS pixels, or that of the style; or all of the page. */
  place(height: number | undefined, full: boolean): void {
    this.frame.place(height, full);
  }

  /** Gives the plot the focus. */
  focus(): void {
    this.frame.focus();
  }

  /** Height of the plot in CSS pixels. */
  get height(): number {
    return this.frame.height;
  }

  /** Something has come that was asked for: it is drawn if this card waits for it, else read. */
  receive(): void {
    if (this.isWaiting) this.dirty = true;
    else if (this.frame.visible) {
      this.showReadings();
      this.showTable();
    }
  }

  /** New steps have come. */
  invalidate(): void {
    this.dirty = true;
  }

  /**
   * Computes what is new and can be seen, and asks for what is missing of it. Returns whether there was
   * anything: then it has something to `tell` when it is drawn.
   */
  prepare(view: CardView): boolean {
    this.view = view;
    const { content } = this;
    if (!content || !this.dirty || !this.frame.visible || isEmpty(content, view)) return false;
    this.undrawn = this.write(content, view);
    this.dirty = false;
    return true;
  }

  /** Draws what was prepared, if it can be seen. */
  async draw(): Promise<void> {
    if (this.frame.visible && this.frame.plotVisible) await this.drawPlot();
  }

  /** Fills the data sets; what the plot shows of them. */
  private write({ model, scales }: CardContent, view: CardView): PlotView {
    const { series, yZoom, ignoresOutliers, events } = view;
    const window = windowOf(model, view);
    const goesOn = view.hasOthers || model.end !== undefined;
    const drawn = model.write(window, this.plot.pixels);
    const values = ignoresOutliers ? drawn.typical : drawn.extent;
    const yDomain = yZoom ?? model.rows?.domain ?? domainOf(...values, scales.y);
    model.mark(window, model.rows ? values : yDomain);
    this.drawn = drawn;
    this.isWaiting = model.isWhole === false || window.positions.isApproximate === true;
    const steps = series.positions("step");
    return { window, yDomain, yScale: scales.y, steps, events, goesOn };
  }

  private async drawPlot(): Promise<void> {
    const { undrawn } = this;
    this.undrawn = undefined;
    if (undrawn) await this.plot.draw(undrawn);
  }

  /** Says in words and numbers what was drawn. */
  tell(): void {
    const { content, view, drawn } = this;
    // A chart may have been made anew while others were drawn.
    if (!content || !view || !drawn) return;
    const { model } = content;
    const { series } = view;
    this.colors.show(model.colors);
    this.root.dataset.lastStep = String(series.lastStep);
    this.root.setAttribute("aria-busy", String(this.isWaiting));
    this.root.dataset.lastValue = String(model.readings(series.length - 1)[0]?.value);
    this.summarize(model, view, drawn);
    this.showTable();
    this.showReadings();
  }

  private clear(): void {
    delete this.root.dataset.lastStep;
    delete this.root.dataset.lastValue;
    this.frame.value.textContent = "";
    this.steps.textContent = "";
    this.frame.summary.textContent = "";
    this.legend.replaceChildren();
  }

  /** Values at the crosshair, else the last. */
  private showReadings(): void {
    const { content, view, drawn } = this;
    if (!content || !view || !drawn || isEmpty(content, view)) return;
    const { row, beyond } = this.crosshair;
    const { series, window } = view;
    const readings = content.model.readings(row ?? series.length - 1, beyond);
    const title =
      beyond === undefined
        ? series.describe(row ?? series.length - 1)
        : describePlace(beyond, window.kind);
    const [first] = readings;
    setText(this.frame.value, first ? textOf(first, formatValue) : "");
    setText(this.steps, row === undefined ? countOf(drawn, stepsOf(view)) : `at ${title}`);
    this.showLegend(readings);
    this.plot.point(row, title, readings);
  }

  private showLegend(readings: readonly Reading[]): void {
    setHidden(this.legend, readings.length < 2);
    if (readings.length < 2) return;
    while (this.legend.children.length > readings.length) this.legend.lastElementChild?.remove();
    for (const [i, reading] of readings.entries()) {
      let item = this.legend.children[i];
      if (!item) {
        item = element("li", {}, element("span"), element("span", { class: "legend-value" }));
        this.legend.append(item);
      }
      const [name, number] = item.children;
      if (item instanceof HTMLElement) markSlot(item, reading.slot);
      if (name instanceof HTMLElement) setText(name, reading.label);
      if (number instanceof HTMLElement) setText(number, textOf(reading, formatValue));
    }
  }

  /** The chart in a sentence, for who does not see it. */
  private summarize(model: ChartModel, view: CardView, { extent: [low, high] }: Drawn): void {
    const { series, events } = view;
    const steps = stepsOf(view);
    const all = series.stepsIn([0, series.length]);
    const first = model.readings(0)[0];
    const last = model.readings(series.length - 1)[0];
    if (!first || !last) return;
    const planned = model.end === undefined ? "" : ` Planned until step ${formatCount(model.end)}.`;
    const range =
      low <= high ? `, between ${formatValue(low)} and ${formatValue(high)}` : ", no finite value";
    const shown = steps < all ? `, shown ${formatSteps(steps)}` : "";
    setText(
      this.frame.summary,
      `${this.title} over ${formatSteps(all)}: first ${textOf(first, formatValue)}, ` +
        `last ${textOf(last, formatValue)}${shown}${range}.${planned}${describeEvents(events)}`,
    );
  }

  private showTable(): void {
    const { content, view } = this;
    if (!content || !view) return;
    const { model } = content;
    this.table.show(model, { series: view.series, window: windowOf(model, view) });
  }

  private makeScaleButton({ title, scaleChosen }: CardOptions): HTMLButtonElement {
    const choose = () => scaleChosen(this.content?.scales.y === "log" ? "linear" : "log");
    return toggle("log", "Logarithmic scale", choose, `${title}: log scale`);
  }

  private makeTableButton(): HTMLButtonElement {
    const show = () => {
      this.table.root.hidden = !this.table.root.hidden;
      press(button, !this.table.root.hidden);
      this.showTable();
    };
    const label = `${this.title}: show as table`;
    const button = toggle(icon("table"), "Show as table", show, label);
    return button;
  }

  /** What is shown, as a picture: the values are those of the last step. */
  async picture(): Promise<Picture | undefined> {
    await this.drawPlot();
    const { content, view, drawn, theme } = this;
    const plot = await this.plot.toSvg();
    if (!content || !view || !drawn || !theme || !plot) return undefined;
    const readings = content.model.readings(view.series.length - 1);
    return pictureOf(
      {
        title: this.title,
        subject: content.subject,
        value: readings[0] ? textOf(readings[0], formatValue) : "",
        count: countOf(drawn, stepsOf(view)),
        legend: (readings.length > 1 ? readings : []).map(reading => {
          return { label: reading.label, value: textOf(reading, formatValue), slot: reading.slot };
        }),
        colors: content.model.colors,
        drawing: plot.svg,
        width: plot.width,
        height: plot.height,
      },
      theme,
    );
  }
}

/** There is nothing to draw yet. */
function isEmpty({ model }: CardContent, { series }: CardView): boolean {
  return series.length === 0 && model.end === undefined;
}

/** The window that all charts have; where all is shown, of what is planned, too. */
function windowOf(model: ChartModel, { window, isWhole }: Shown): Window {
  const [low, high] = window.domain;
  const { end = high } = model;
  return isWhole && end > high ? { ...window, domain: [low, end] } : window;
}

/** Steps of the run in the window. */
function stepsOf({ series, window }: CardView): number {
  return series.stepsIn(rowsIn(window.positions, window.domain));
}

/** How many points are drawn of how many values, and of how many steps these are. */
function countOf({ points, values }: Drawn, steps: number): string {
  const drawn = points < values ? `${formatCount(points)} points of ` : "";
  if (values === steps) return drawn + formatSteps(steps);
  const noun = values === 1 ? "value" : "values";
  return `${drawn}${formatCount(values)} ${noun} in ${formatSteps(steps)}`;
}
