import type { RunRecord, TensorRecord } from "../../runtime/protocol/run.ts";
import { NO_EVENTS, type RunEvents } from "../control/eventMarks.ts";
import type { ComparedRun } from "../data/comparedRuns.ts";
import type { Histograms } from "../data/histograms.ts";
import { RatePlan } from "../data/ratePlan.ts";
import type { RunSeries } from "../data/runSeries.ts";
import type { Range } from "../data/scale.ts";
import type { SeedBand } from "../data/seedMean.ts";
import { element, icon } from "../dom.ts";
import { type Action, Menu } from "../menu.ts";
import { OwnCard } from "../own/ownCard.ts";
import { OwnCharts, type OwnDefinition } from "../own/ownCharts.ts";
import { TaskSlices } from "../taskSlices.ts";
import { readTheme, type Theme } from "../theme.ts";
import type { Notice } from "../view/notice.ts";
import type { ViewState } from "../viewState.ts";
import { BandModel } from "./bandModel.ts";
import type { FrameOptions } from "./cardFrame.ts";
import { type ChartDefinition, chartsOf } from "./catalogue.ts";
import { ChartCard, type Shown } from "./chartCard.ts";
import { Crosshair } from "./crosshair.ts";
import { HeatMapModel } from "./heatMapModel.ts";
import { HistogramModel } from "./histogramModel.ts";
import {
  arranged,
  DEFAULT_LAYOUT,
  type Layout,
  moved,
  resized,
  shifted,
  switched,
} from "./layout.ts";
import { LinesModel } from "./linesModel.ts";
import type { ChartModel } from "./model.ts";
import { joinReplicates, NO_SAMPLES } from "./overlay.ts";
import type { PictureFormat, PictureOutput } from "./pictureOutput.ts";
import { Ramp } from "./ramp.ts";
import { StackModel } from "./stackModel.ts";
import { MapChoice, TensorChoice } from "./tensorChoice.ts";
import { wholeOf, windowOf, within } from "./window.ts";

/** Bins of a chart over the whole width of the page, and of one beside others. */
const WIDE_BINS = 640;
const BINS = 360;

/**
 * Milliseconds for which what is asked for may come before what is there is drawn without it: to draw twice
 * takes longer.
 */
const MOMENT_MS = 40;

/** Milliseconds without a drawing after which what may be drawn next is asked for: more than between two of a run that goes on. */
const QUIET_MS = 60;

/** CSS pixels that a key adds to the height of a plot. */
const HEIGHT_STEP = 40;

export interface GridOptions {
  readonly notice: Notice;
  readonly pictures: PictureOutput;
  readonly histograms: Histograms;
  readonly redraw: () => void;
  readonly choose: (change: Partial<ViewState>) => void;
  /** One chart has the whole page, or none any longer. */
  readonly filled: (isFull: boolean) => void;
}

/** All charts of a run, over the same part of the x axis. */
export class ChartGrid {
  /** Chooses which charts are shown. */
  readonly menu = element("div", { class: "charts-menu" });
  readonly root = element("main", { class: "charts", attributes: { "aria-label": "Charts" } });
  private readonly crosshair = new Crosshair();
  private readonly cards = new Map<string, ChartCard | OwnCard>();
  private readonly own: OwnCharts;
  /** What the cards of the user's own charts were made for. */
  private ownMade: readonly OwnDefinition[] = [];
  private readonly choosers: (MapChoice | TensorChoice)[] = [];
  private readonly options: GridOptions;
  private theme: Theme = readTheme();
  private series: RunSeries | undefined;
  private run = "";
  /** Further steps may come. */
  private goesOn = false;
  /** Charts of the run. */
  private ids: readonly string[] = [];
  private readonly none = element("p", {
    class: "charts-none",
    text: "All charts are hidden. “Charts” above shows them.",
    attributes: { hidden: "" },
  });
  /** How far the page was scrolled before a chart got all of it. */
  private scrolled = 0;
  private tensors: readonly TensorRecord[] = [];
  /** Names of the tensors; another array where they are others. */
  private names: readonly string[] = [];
  private state: ViewState | undefined;
  private events = NO_EVENTS;
  /** Tells who waits for it that something has come. */
  private arrived: () => void = () => {};
  private compared: readonly ComparedRun[] = [];
  private readonly plan = new RatePlan();
  /** Series of other runs that the charts were made for. */
  private drawn: readonly RunSeries[] = [];
  /** Series of runs that are drawn as one. */
  private replicates: readonly (readonly RunSeries[])[] = [];
  /** What the cards were made for; they are made anew when it differs. */
  private made = "";
  private quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(options: GridOptions) {
    this.options = options;
    this.own = new OwnCharts({
      notice: options.notice,
      choose: options.choose,
      shown: () => this.shown(),
      kept: id => {
        if (this.series && this.state) this.remake(this.series, this.state);
        this.cards.get(id)?.focus();
      },
    });
    this.root.append(this.none, this.own.dialog.root);
    const button = element(
      "button",
      { class: "toggle", attributes: { type: "button" } },
      icon("layout"),
      element("span", { text: "Charts" }),
    );
    const menu = new Menu(button, "Charts", () => this.choices());
    this.menu.append(button, menu.root);
    addEventListener("keydown", event => {
      const { full } = this.layout;
      if (event.key === "Escape" && !event.defaultPrevented && full !== undefined) {
        this.toggleFull(full);
      }
    });
  }

  /** Reads the theme anew. */
  retheme(): void {
    this.theme = readTheme();
    this.made = "";
  }

  /** Shows a run as the user has chosen to see it, with what was done to it and other runs. */
  show(
    series: RunSeries,
    run: Pick<RunRecord, "id" | "tensors" | "planned" | "status">,
    state: ViewState,
    events: RunEvents,
    compared: readonly ComparedRun[],
    replicates: readonly (readonly RunSeries[])[],
  ): void {
    const { id, tensors } = run;
    this.plan.show(run);
    this.goesOn = run.status === "running";
    if (series !== this.series) {
      this.made = "";
      this.crosshair.point(undefined);
    }
    const drawn = [...compared.map(run => run.series), ...replicates.flat()];
    // Names and numbers of lines may be the same when runs are not.
    if (drawn.length !== this.drawn.length || drawn.some((each, i) => each !== this.drawn[i])) {
      this.made = "";
    }
    this.drawn = drawn;
    this.series = series;
    this.run = id;
    const isOther = tensors.length !== this.names.length;
    if (isOther || tensors.some(({ name }, i) => name !== this.names[i])) {
      this.names = tensors.map(({ name }) => name);
    }
    this.tensors = tensors;
    this.state = state;
    this.events = events;
    this.compared = compared;
    this.replicates = replicates;
    for (const card of this.cards.values()) card.invalidate();
  }

  /** Something has come that the charts asked for. */
  receive(): void {
    for (const card of this.cards.values()) card.receive();
    this.arrived();
  }

  /** Resolves when something has come that the charts asked for, or after a moment. */
  private async arrival(): Promise<void> {
    await new Promise<void>(resolve => {
      this.arrived = resolve;
      setTimeout(resolve, MOMENT_MS);
    });
  }

  /** Points all charts at a row of the run. */
  point(row: number): void {
    this.crosshair.point(row);
  }

  /** Draws what can be seen and is new. */
  async draw(): Promise<void> {
    const { series, state, asked } = this;
    if (!series || !state || !asked) return;
    const slices = new TaskSlices();
    this.remake(series, state);
    await slices.next();
    for (const choice of this.choosers) choice.offer(this.names, state);
    const { yZooms, ignoresOutliers } = state;
    const { events, tensor } = this;
    const hasOthers = this.compared.length > 0;
    const view = { ...asked, series, tensor, ignoresOutliers, events, hasOthers };
    const viewOf = (id: string) => ({ ...view, yZoom: yZooms[id] });
    const cards = [...this.cards].flatMap(([id, card]) =>
      card instanceof ChartCard ? [{ card, view: viewOf(id) }] : [],
    );
    const fresh = cards.filter(each => each.card.prepare(each.view));
    if (fresh.some(({ card }) => card.isWaiting)) {
      await this.arrival();
      for (const each of fresh) each.card.prepare(each.view);
    }
    for (const { card } of cards) {
      await slices.next();
      await card.draw();
    }
    for (const [id, card] of this.cards) if (card instanceof OwnCard) await card.draw(viewOf(id));
    // A canvas that writes text asks for the styles of the page: what changes them comes at last.
    for (const { card } of fresh) card.tell();
    this.askAhead();
    // What is to be seen first is seen by now.
    if (this.tensors.length > 0) this.options.histograms.want(tensor, series.lastStep);
  }

  /** Asks for what a zoom will need, once nothing has been drawn for a moment: of a run that goes on never. */
  private askAhead(): void {
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => {
      // What is seen comes first.
      for (const card of this.cards.values())
        if (card instanceof ChartCard && card.isWaiting) return;
      for (const series of new Set([...(this.series ? [this.series] : []), ...this.drawn]))
        series.askAhead();
    }, QUIET_MS);
  }

  /** Index of the tensor that is chosen. */
  private get tensor(): number {
    return Math.max(0, this.names.indexOf(this.state?.tensor ?? ""));
  }

  /** What was chosen of the x axis: it is drawn a moment later. */
  private get asked(): Shown | undefined {
    const { series, state, compared } = this;
    if (!series || !state) return undefined;
    return { window: windowOf(series, state, compared), isWhole: state.zoom === undefined };
  }

  private shown() {
    const { series, asked, tensor, theme } = this;
    return series && asked && { series, window: asked.window, tensor, theme };
  }

  /** Makes models and drawings anew where something has changed that they cannot change. */
  private remake(series: RunSeries, state: ViewState): void {
    const { compared, tensors } = this;
    const { histograms } = this.options;
    const charts = chartsOf(series, tensors, state, compared, histograms, this.plan).map(chart => ({
      ...chart,
      draws: joined(chart.draws, series, this.replicates, state.seedBand),
    }));
    const { names } = this;
    const { scales, smoothing, gradientTensors, tensor, mapped, xScale } = state;
    const own = this.own.of(state);
    if (own !== this.ownMade) this.made = "";
    const key = JSON.stringify([
      charts.map(({ id, scale, draws }) => [id, scale, draws && linesOf(draws)]),
      [scales, smoothing, gradientTensors, tensor, mapped, xScale, names],
      this.goesOn,
    ]);
    if (key === this.made) return;
    this.made = key;
    // Charts of what another run logged.
    this.ids = [...charts, ...own].map(({ id }) => id);
    const waiting =
      series.length > 0
        ? "No optimizer with parameters"
        : this.goesOn
          ? "Waiting for the first step…"
          : "No step was taken";
    for (const chart of charts) {
      const y = scales[chart.id] ?? chart.scale;
      const model = modelOf(chart, y, smoothing, this.theme);
      const { choice } = chart;
      const axisTitle = chart.axisTitle + (model?.smoothed ? " (bold: smoothed)" : "");
      const subject = choice === "tensor" || choice === "mapped" ? (tensor ?? names[0] ?? "") : "";
      const content = model && { model, scales: { x: xScale, y }, axisTitle, subject };
      this.card(chart)?.show(content, this.theme, waiting);
    }
    this.remakeOwn(own);
    this.arrange();
  }

  /** Makes the cards of charts that were written anew, and takes those away that are gone. */
  private remakeOwn(own: readonly OwnDefinition[]): void {
    const before = this.ownMade;
    this.ownMade = own;
    for (const { id } of before.filter(each => !own.includes(each))) {
      const card = this.cards.get(id);
      if (card instanceof OwnCard) card.dispose();
      this.cards.delete(id);
    }
    for (const definition of own) {
      const { id, title, spec } = definition;
      const known = this.cards.get(id);
      const { redraw } = this.options;
      const card =
        known instanceof OwnCard ? known : new OwnCard({ ...this.frame(id, title), spec, redraw });
      card.retheme(this.theme);
      this.cards.set(id, card);
    }
  }

  /** The card of a chart, made when it is first shown. */
  private card({ id, title, choice }: ChartDefinition): ChartCard | undefined {
    const known = this.cards.get(id);
    if (known) return known instanceof ChartCard ? known : undefined;
    const { choose } = this.options;
    const control =
      choice && (choice === "mapped" ? new MapChoice(choose) : new TensorChoice(choice, choose));
    if (control) this.choosers.push(control);
    const card = new ChartCard({
      ...this.frame(id, title),
      ...(control ? { control } : {}),
      crosshair: this.crosshair,
      redraw: this.options.redraw,
      scaleChosen: scale =>
        // What was seen of one scale may be nothing of the other.
        this.change({ scales: { ...this.state?.scales, [id]: scale }, yZooms: this.yZooms(id) }),
      zoom: (x, y) => this.zoom(id, x, y),
      asked: () => this.asked,
      tensorChosen: tensor => this.change({ tensor }),
      reset: () => this.change({ zoom: undefined, follows: false, yZooms: this.yZooms(id) }),
    });
    this.cards.set(id, card);
    return card;
  }

  /** What all cards can do. */
  private frame(id: string, title: string): FrameOptions {
    return {
      id,
      title,
      actions: () => this.actions(id),
      full: () => this.toggleFull(id),
      resized: height => this.place(resized(this.layout, id, height)),
      drag: {
        cards: () => [...this.root.querySelectorAll<HTMLElement>(".chart:not([hidden])")],
        move: (card, before) =>
          this.place(moved(this.layout, this.ids, idOf(card), before && idOf(before))),
      },
    };
  }

  /** What can be done with a chart, beside reading it. */
  private actions(id: string): readonly Action[] {
    const full = this.layout.full === id;
    return [
      { label: "Full screen", keys: "Enter", checked: full, act: () => this.toggleFull(id) },
      ...(full ? [] : this.placing(id)),
      { label: "Copy as PNG", keys: "Ctrl+C", begins: true, act: () => void this.copy(id) },
      { label: "Save as PNG…", keys: "Ctrl+S", act: () => void this.save(id, "png") },
      { label: "Save as SVG…", keys: "Ctrl+Shift+S", act: () => void this.save(id, "svg") },
      ...(this.ownMade.some(each => each.id === id) ? this.writing(id) : []),
    ];
  }

  /** What can be done with a chart that the user has written. */
  private writing(id: string): readonly Action[] {
    return [
      { label: "Edit…", keys: "E", begins: true, act: () => this.own.write(id) },
      { label: "Remove", keys: "Shift+Delete", act: () => this.own.remove(id) },
    ];
  }

  /** Where it stands and how high it is. */
  private placing(id: string): readonly Action[] {
    const { layout, ids } = this;
    const place = (next: Layout) => () => this.place(next);
    const resize = (by: number) => () =>
      this.place(resized(layout, id, (this.cards.get(id)?.height ?? 0) + by));
    return [
      {
        label: "Pinned to the top",
        keys: "P",
        checked: layout.pinned.includes(id),
        act: place(switched(layout, "pinned", id)),
      },
      { label: "Move up", keys: "Alt+ArrowUp", act: place(shifted(layout, ids, id, -1)) },
      { label: "Move down", keys: "Alt+ArrowDown", act: place(shifted(layout, ids, id, 1)) },
      { label: "Higher", keys: "Alt+Shift+ArrowDown", act: resize(HEIGHT_STEP) },
      { label: "Lower", keys: "Alt+Shift+ArrowUp", act: resize(-HEIGHT_STEP) },
      { label: "Hide", keys: "Delete", act: () => this.hide(id) },
    ];
  }

  /** Shows and hides charts, and gives all of them their places back. */
  private choices(): readonly Action[] {
    const { layout } = this;
    const shown = arranged(this.ids, layout).map(id => ({
      label: this.cards.get(id)?.title ?? id,
      checked: !layout.hidden.includes(id),
      act: () => this.place(switched(layout, "hidden", id)),
    }));
    return [
      ...shown,
      { label: "New chart…", begins: true, act: () => this.own.write() },
      { label: "Reset layout", act: () => this.resetLayout() },
    ];
  }

  /** All charts where they were at first. */
  resetLayout(): void {
    const before = this.layout;
    this.place(DEFAULT_LAYOUT);
    this.options.notice.show("The layout of the charts was reset", () => this.place(before));
  }

  private hide(id: string): void {
    const before = this.layout;
    const shown = arranged(this.ids, before).filter(other => !before.hidden.includes(other));
    const at = shown.indexOf(id);
    const next = shown[at + 1] ?? shown[at - 1];
    this.place(switched(before, "hidden", id));
    if (next !== undefined) this.cards.get(next)?.focus();
    const { title } = this.cards.get(id) ?? { title: "The chart" };
    this.options.notice.show(`${title} is hidden`, () => {
      this.place(switched(this.layout, "hidden", id));
      this.cards.get(id)?.focus();
    });
  }

  private toggleFull(id: string): void {
    const { layout } = this;
    const full = layout.full === id ? undefined : id;
    if (full !== undefined) this.scrolled = scrollY;
    this.place({ ...layout, full });
    scrollTo({ top: full === undefined ? this.scrolled : 0 });
  }

  private get layout(): Layout {
    return this.state?.layout ?? DEFAULT_LAYOUT;
  }

  private place(layout: Layout): void {
    if (layout === this.layout) return;
    this.change({ layout });
    this.arrange();
  }

  /** Brings the cards into the layout. Charts that the run does not have are not shown. */
  private arrange(): void {
    const { layout, ids } = this;
    const full = ids.find(id => id === layout.full);
    const cards = arranged(ids, layout).flatMap(id => this.cards.get(id)?.root ?? []);
    for (const [id, card] of this.cards) {
      const isFull = id === full;
      card.root.hidden =
        !ids.includes(id) || (full === undefined ? layout.hidden.includes(id) : !isFull);
      card.root.classList.toggle("pinned", layout.pinned.includes(id));
      card.place(layout.heights[id], isFull);
    }
    this.root.classList.toggle("full", full !== undefined);
    this.options.filled(full !== undefined);
    this.none.hidden = cards.length === 0 || cards.some(card => !card.hidden);
    if (cards.every((card, i) => card === this.root.children[i])) return;
    // An element that is moved loses the focus.
    const { activeElement } = document;
    this.root.prepend(...cards);
    if (activeElement instanceof HTMLElement) activeElement.focus();
  }

  private async copy(id: string): Promise<void> {
    const card = this.cards.get(id);
    const picture = await card?.picture();
    if (card && picture) await this.options.pictures.copy(picture, card.title);
  }

  private async save(id: string, format: PictureFormat): Promise<void> {
    const picture = await this.cards.get(id)?.picture();
    if (!picture) return;
    await this.options.pictures.save(picture, `${this.run}-${id}`, format);
  }

  private zoom(id: string, x: Range | undefined, y: Range | undefined): void {
    const { series, state } = this;
    if (!series || !state) return;
    const whole = this.reachOf(id, series, state);
    this.change({
      ...(x && hasWidth(x) ? { zoom: within(x, whole, state.xScale), follows: false } : {}),
      ...(y && hasWidth(y) ? { yZooms: this.yZooms(id, y) } : {}),
    });
  }

  /** How far a chart's x axis can be moved: what is planned is seen where it is drawn, or where it is seen already. */
  private reachOf(id: string, series: RunSeries, { x, xScale, zoom, follows }: ViewState): Range {
    const [low, high] = wholeOf(series, this.compared, x, xScale);
    const card = this.cards.get(id);
    const planned = card instanceof ChartCard ? (card.end ?? high) : high;
    return [low, Math.max(high, planned, zoom && !follows ? zoom[1] : high)];
  }

  /** The parts of y axes, with another for one chart, or with none for it. */
  private yZooms(id: string, zoom?: Range): ViewState["yZooms"] {
    const { [id]: _, ...others } = this.state?.yZooms ?? {};
    return zoom ? { ...others, [id]: zoom } : others;
  }

  private change(change: Partial<ViewState>): void {
    this.options.choose(change);
  }
}

function idOf(card: HTMLElement): string {
  return card.dataset.chart ?? "";
}

/** True for a domain whose ends differ by more than their rounding. */
function hasWidth([low, high]: Range): boolean {
  return high - low > Math.max(Math.abs(low), Math.abs(high)) * 1e-12;
}

function joined(
  draws: ChartDefinition["draws"],
  own: RunSeries,
  replicates: readonly (readonly RunSeries[])[],
  band: SeedBand,
): ChartDefinition["draws"] {
  if (!draws || !("lines" in draws)) return draws;
  return { lines: joinReplicates(draws.lines, own, replicates, band) };
}

/** What a chart draws, in names and numbers: it is made anew when they change. */
function linesOf(draws: NonNullable<ChartDefinition["draws"]>): readonly unknown[] {
  if ("band" in draws) return ["band"];
  if ("histogram" in draws) return ["histogram"];
  if ("stack" in draws) return draws.stack.map(({ label }) => label);
  if ("heat" in draws) return draws.heat.map(({ name }) => name);
  return draws.lines.map(({ label, slot, absent, planned, samples }) => {
    return [label, slot, absent, planned?.label, samples === NO_SAMPLES];
  });
}

function modelOf(
  { id, smoothed, guide, draws }: ChartDefinition,
  scale: "linear" | "log",
  smoothing: number,
  theme: Theme,
): ChartModel | undefined {
  if (!draws) return undefined;
  const bins = id === "loss" ? WIDE_BINS : BINS;
  if ("band" in draws) return new BandModel(draws.band, scale, bins);
  if ("histogram" in draws) return new HistogramModel(draws.histogram, new Ramp(theme));
  if ("stack" in draws) return new StackModel(draws.stack, bins);
  if ("heat" in draws) return new HeatMapModel(draws.heat, draws.chosen, new Ramp(theme));
  return new LinesModel(draws.lines, {
    scale,
    bins,
    smoothing: smoothed ? smoothing : 0,
    ...(guide === undefined ? {} : { guide }),
  });
}
