import { formatCount, formatExact } from "../data/format.ts";
import {
  linearTicks,
  logTicks,
  type Range,
  type ScaleKind,
  stepTicks,
  yDomain,
} from "../data/scale.ts";
import { element, setText } from "../dom.ts";
import type { Theme } from "../theme.ts";
import type { Crosshair } from "./crosshair.ts";
import type { ChartModel, Reading } from "./model.ts";
import { PADDING, VegaChart } from "./vegaChart.ts";

/** CSS pixels of an axis for one tick. */
const X_TICK = 64;
const Y_TICK = 28;

export interface PlotOptions {
  readonly title: string;
  readonly crosshair: Crosshair;
  /** The plot has got another size. */
  readonly resized: () => void;
}

/**
 * The drawing of a chart with what lies above it: the crosshair and its tooltip are elements of
 * the page, so that a moving pointer redraws nothing. For a keyboard it is a slider over the steps.
 */
export class Plot {
  readonly root: HTMLElement;
  private readonly canvas = element("div", { class: "plot-canvas" });
  private readonly line = element("div", { class: "crosshair", attributes: { hidden: "" } });
  private readonly tooltip = element("div", { class: "tooltip", attributes: { hidden: "" } });
  private readonly crosshair: Crosshair;
  private readonly resized: () => void;
  private vega: VegaChart | undefined;
  private steps: Range = [1, 1];
  private width = 0;
  private height = 0;
  private active = false;

  constructor({ title, crosshair, resized }: PlotOptions) {
    this.crosshair = crosshair;
    this.resized = resized;
    this.canvas.setAttribute("aria-hidden", "true");
    this.root = element(
      "div",
      {
        class: "plot",
        attributes: {
          role: "slider",
          tabindex: "0",
          "aria-label": `${title} by step`,
          "aria-valuemin": "1",
          "aria-valuemax": "1",
          "aria-valuenow": "1",
        },
      },
      this.canvas,
      this.line,
      this.tooltip,
    );
    this.observeSize();
    this.followPointer();
    this.followKeys();
  }

  /** Makes the drawing anew: other data sets, another scale or theme. Without model it is empty. */
  rebuild(model: ChartModel | undefined, scale: ScaleKind, theme: Theme, axisTitle: string): void {
    this.vega?.dispose();
    this.canvas.replaceChildren();
    this.vega = model && new VegaChart(this.canvas, model, scale, theme, axisTitle);
  }

  /** Draws the model's data sets as they are now. `steps`: first and last step. */
  async draw(model: ChartModel, scale: ScaleKind, steps: Range): Promise<void> {
    if (!this.vega || this.width === 0) return;
    this.steps = steps;
    this.vega.resize(this.width, this.height);
    const xDomain = this.xDomain();
    const domain = yDomain(...model.extent(), scale);
    const yTicks = scale === "log" ? logTicks : linearTicks;
    await this.vega.draw({
      xDomain,
      yDomain: domain,
      xTicks: stepTicks(xDomain, Math.floor(this.plotWidth() / X_TICK)),
      yTicks: yTicks(domain, Math.floor((this.height - PADDING.top - PADDING.bottom) / Y_TICK)),
    });
  }

  /** Shows, or hides, the crosshair with what is read off at its step. */
  point(step: number | undefined, readings: readonly Reading[]): void {
    const shown = step !== undefined && step >= this.steps[0] && step <= this.steps[1];
    this.line.hidden = !shown;
    this.tooltip.hidden = !shown || !this.active;
    this.describe(step ?? this.steps[1], readings);
    if (!shown) return;
    const x = PADDING.left + this.fraction(step) * this.plotWidth();
    this.line.style.transform = `translateX(${x}px)`;
    if (this.active) this.showTooltip(x, step, readings);
  }

  private describe(step: number, readings: readonly Reading[]): void {
    const values = readings.map(({ label, value }) => `${label} ${formatExact(value)}`).join(", ");
    const { root } = this;
    root.setAttribute("aria-valuemin", String(this.steps[0]));
    root.setAttribute("aria-valuemax", String(this.steps[1]));
    root.setAttribute("aria-valuenow", String(step));
    root.setAttribute("aria-valuetext", `step ${step}: ${values}`);
  }

  private showTooltip(x: number, step: number, readings: readonly Reading[]): void {
    const rows = readings.map(({ label, value, slot }) => {
      const row = element("div", { class: "tooltip-row" });
      if (slot !== undefined && readings.length > 1) row.dataset.slot = String(slot);
      row.append(
        element("span", { text: label }),
        element("span", { class: "tooltip-value", text: formatExact(value) }),
      );
      return row;
    });
    const head = element("div", { class: "tooltip-step" });
    setText(head, `step ${formatCount(step)}`);
    this.tooltip.replaceChildren(head, ...rows);
    const { offsetWidth } = this.tooltip;
    const right = x + 12 + offsetWidth <= this.width;
    const left = right ? x + 12 : Math.max(0, x - 12 - offsetWidth);
    this.tooltip.style.transform = `translate(${Math.round(left)}px, ${PADDING.top}px)`;
  }

  /** A domain that has a width, also at the first step. */
  private xDomain(): Range {
    const [first, last] = this.steps;
    return [first, Math.max(last, first + 1)];
  }

  private plotWidth(): number {
    return Math.max(1, this.width - PADDING.left - PADDING.right);
  }

  private fraction(step: number): number {
    const [low, high] = this.xDomain();
    return (step - low) / (high - low);
  }

  private stepAt(offset: number): number {
    const [low, high] = this.xDomain();
    const fraction = (offset - PADDING.left) / this.plotWidth();
    return this.clamp(Math.round(low + fraction * (high - low)));
  }

  private clamp(step: number): number {
    return Math.min(Math.max(step, this.steps[0]), this.steps[1]);
  }

  private observeSize(): void {
    new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      if (width === this.width && height === this.height) return;
      this.width = width;
      this.height = height;
      this.resized();
    }).observe(this.root);
  }

  private followPointer(): void {
    this.root.addEventListener("pointermove", event => {
      this.active = true;
      this.crosshair.point(this.stepAt(event.clientX - this.root.getBoundingClientRect().left));
    });
    this.root.addEventListener("pointerleave", () => this.leave());
  }

  private followKeys(): void {
    this.root.addEventListener("blur", () => this.leave());
    this.root.addEventListener("keydown", event => {
      const from = this.crosshair.step ?? this.steps[1];
      const target = this.keyTarget(event.key, from, event.shiftKey ? 10 : 1);
      if (target === undefined) return;
      event.preventDefault();
      if (event.key === "Escape") return this.leave();
      this.active = true;
      this.crosshair.point(this.clamp(target));
    });
  }

  /** The step to which a key goes; undefined for a key that means nothing here. */
  private keyTarget(key: string, from: number, by: number): number | undefined {
    const page = Math.max(1, Math.round((this.steps[1] - this.steps[0]) / 10));
    const targets: Readonly<Record<string, number>> = {
      ArrowLeft: from - by,
      ArrowDown: from - by,
      ArrowRight: from + by,
      ArrowUp: from + by,
      PageDown: from - page,
      PageUp: from + page,
      Home: this.steps[0],
      End: this.steps[1],
      Escape: from,
    };
    return targets[key];
  }

  private leave(): void {
    this.active = false;
    this.crosshair.point(undefined);
    this.tooltip.hidden = true;
  }
}
