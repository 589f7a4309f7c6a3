import { formatCount, formatSteps, formatValue } from "../data/format.ts";
import type { RunSeries } from "../data/runSeries.ts";
import type { ScaleKind } from "../data/scale.ts";
import { element, setText } from "../dom.ts";
import type { Theme } from "../theme.ts";
import type { ChartId } from "../viewState.ts";
import type { Crosshair } from "./crosshair.ts";
import type { ChartModel, Reading } from "./model.ts";
import { Plot } from "./plot.ts";

export interface CardOptions {
  readonly id: ChartId;
  readonly title: string;
  /** Chooses what is drawn; stands with its name left of the legend. */
  readonly control?: { readonly label: string; readonly root: HTMLElement };
  readonly crosshair: Crosshair;
  /** Asks for a redraw. */
  readonly redraw: () => void;
  readonly scaleChosen: (scale: ScaleKind) => void;
}

/** What a card shows. */
export interface CardContent {
  readonly model: ChartModel;
  readonly scale: ScaleKind;
  readonly axisTitle: string;
}

/** A chart with its title, last value, number of steps, legend and choice of scale. */
export class ChartCard {
  readonly root: HTMLElement;
  private readonly plot: Plot;
  private readonly value = element("span", { class: "chart-value" });
  private readonly steps = element("span", { class: "chart-steps" });
  private readonly legend = element("ul", { class: "legend" });
  private readonly summary: HTMLElement;
  private readonly waiting = element("p", { class: "plot-waiting" });
  private readonly scaleButton: HTMLButtonElement;
  private readonly title: string;
  private readonly crosshair: Crosshair;
  private content: CardContent | undefined;
  private series: RunSeries | undefined;
  private visible = true;
  private dirty = true;

  constructor(options: CardOptions) {
    const { id, title, control, crosshair, redraw } = options;
    this.title = title;
    this.crosshair = crosshair;
    this.scaleButton = this.makeScaleButton(options);
    const summaryId = `${id}-summary`;
    this.summary = element("p", { class: "visually-hidden", attributes: { id: summaryId } });
    this.plot = new Plot({
      title,
      crosshair,
      resized: () => {
        this.dirty = true;
        redraw();
      },
    });
    this.plot.root.setAttribute("aria-describedby", summaryId);
    this.plot.root.append(this.waiting);
    this.root = this.layOut(id, control);
    crosshair.onChange(() => this.showReadings());
    this.watchVisibility(redraw);
  }

  /** Shows other content, or none yet; draws it with the next `draw`. */
  show(content: CardContent | undefined, theme: Theme, waiting: string): void {
    this.content = content;
    this.dirty = true;
    const scale = content?.scale ?? "linear";
    this.scaleButton.setAttribute("aria-pressed", String(scale === "log"));
    this.scaleButton.disabled = !content;
    this.plot.rebuild(content?.model, scale, theme, content?.axisTitle ?? "");
    setText(this.waiting, waiting);
    this.waiting.hidden = content !== undefined;
    if (!content) this.clear();
  }

  /** New steps have come. */
  invalidate(): void {
    this.dirty = true;
  }

  /** Draws what is new, if the card can be seen. */
  async draw(series: RunSeries): Promise<void> {
    this.series = series;
    if (!this.content || !this.dirty || !this.visible || series.length === 0) return;
    this.dirty = false;
    const { model, scale } = this.content;
    model.write();
    await this.plot.draw(model, scale, [series.firstStep, series.lastStep]);
    this.root.dataset.lastStep = String(series.lastStep);
    this.root.dataset.lastValue = String(model.readings(series.length - 1)[0]?.value);
    this.summarize(model, series);
    this.showReadings();
  }

  private clear(): void {
    delete this.root.dataset.lastStep;
    delete this.root.dataset.lastValue;
    this.value.textContent = "";
    this.steps.textContent = "";
    this.summary.textContent = "";
    this.legend.replaceChildren();
  }

  /** Values at the crosshair, else the last. */
  private showReadings(): void {
    const { content, series } = this;
    if (!content || !series || series.length === 0) return;
    const { step } = this.crosshair;
    const readings = content.model.readings((step ?? series.lastStep) - series.firstStep);
    setText(this.value, formatValue(readings[0]?.value ?? Number.NaN));
    setText(
      this.steps,
      step === undefined ? formatSteps(series.length) : `at step ${formatCount(step)}`,
    );
    this.showLegend(readings);
    this.plot.point(step, readings);
  }

  private showLegend(readings: readonly Reading[]): void {
    this.legend.hidden = readings.length < 2;
    if (readings.length < 2) return;
    while (this.legend.children.length > readings.length) this.legend.lastElementChild?.remove();
    for (const [i, { label, value, slot }] of readings.entries()) {
      let item = this.legend.children[i];
      if (!item) {
        item = element("li", {}, element("span"), element("span", { class: "legend-value" }));
        this.legend.append(item);
      }
      const [name, number] = item.children;
      if (slot === undefined) item.removeAttribute("data-slot");
      else item.setAttribute("data-slot", String(slot));
      if (name instanceof HTMLElement) setText(name, label);
      if (number instanceof HTMLElement) setText(number, formatValue(value));
    }
  }

  /** The chart in a sentence, for who does not see it. */
  private summarize(model: ChartModel, series: RunSeries): void {
    const first = model.readings(0)[0];
    const last = model.readings(series.length - 1)[0];
    const [low, high] = model.extent();
    if (!first || !last) return;
    const range =
      low <= high ? `, between ${formatValue(low)} and ${formatValue(high)}` : ", no finite value";
    setText(
      this.summary,
      `${this.title} over ${formatSteps(series.length)}: first ${formatValue(first.value)}, ` +
        `last ${formatValue(last.value)}${range}.`,
    );
  }

  private makeScaleButton({ title, scaleChosen }: CardOptions): HTMLButtonElement {
    const button = element("button", {
      class: "toggle",
      text: "log",
      attributes: {
        type: "button",
        title: "Logarithmic scale",
        "aria-label": `${title}: logarithmic scale`,
        "aria-pressed": "false",
      },
    });
    button.addEventListener("click", () =>
      scaleChosen(this.content?.scale === "log" ? "linear" : "log"),
    );
    return button;
  }

  private layOut(id: ChartId, control: CardOptions["control"]): HTMLElement {
    const titleId = `${id}-title`;
    const head = element(
      "header",
      { class: "chart-head" },
      element("h2", { text: this.title, attributes: { id: titleId } }),
      this.value,
      this.steps,
      this.scaleButton,
    );
    const choice = element("div", { class: "chart-choice" });
    if (control) {
      choice.append(element("span", { class: "choice-label", text: control.label }), control.root);
    }
    choice.append(this.legend);
    const root = element(
      "section",
      { class: "chart", attributes: { "aria-labelledby": titleId, "data-chart": id } },
      head,
      choice,
      this.plot.root,
      this.summary,
    );
    return root;
  }

  private watchVisibility(redraw: () => void): void {
    new IntersectionObserver(entries => {
      // A busy page hears of several changes at once: the last is how it is now.
      this.visible = entries.at(-1)?.isIntersecting ?? true;
      if (this.visible && this.dirty) redraw();
    }).observe(this.root);
  }
}
