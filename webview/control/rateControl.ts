import type { Control } from "../../runtime/protocol/control.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { iconButton } from "../controls.ts";
import type { RunSeries } from "../data/runSeries.ts";
import { element } from "../dom.ts";

/** Exponents of ten at the ends of the slider. */
const SMALLEST = -7;
const LARGEST = 1;

/** η of a parameter group: a slider over powers of ten, a field for exact values, and the way back. */
export class RateControl {
  readonly root: HTMLElement;
  private readonly send: (control: Control) => void;
  private readonly group = element("select", { attributes: { "aria-label": "Parameter group" } });
  private readonly slider = element("input", {
    attributes: {
      type: "range",
      id: "rate",
      min: String(SMALLEST),
      max: String(LARGEST),
      step: "0.01",
      "aria-label": "Learning rate, as a power of ten",
    },
  });
  private readonly field = element("input", {
    class: "steps-field",
    attributes: { type: "number", min: "0", step: "any", "aria-label": "Learning rate" },
  });
  private readonly back = iconButton("Learning rate of the script", "discard", () => {
    this.sentBehind = undefined;
    this.send({ type: "set", group: this.chosen, name: "lr" });
  });
  /** Steps that are known, and that were when a rate was sent: the next one has that rate. */
  private steps = 0;
  private sentBehind: number | undefined;

  constructor(send: (control: Control) => void) {
    this.send = send;
    this.slider.addEventListener("input", () => {
      const value = Number((10 ** this.slider.valueAsNumber).toPrecision(3));
      this.field.value = String(value);
      this.set(value);
    });
    this.field.addEventListener("change", () => {
      if (!this.field.checkValidity() || Number.isNaN(this.field.valueAsNumber)) return;
      this.slider.valueAsNumber = Math.log10(this.field.valueAsNumber);
      this.set(this.field.valueAsNumber);
    });
    this.group.addEventListener("change", () => {
      this.sentBehind = undefined;
    });
    this.root = element(
      "div",
      { class: "rate-control" },
      element("label", { text: "η", attributes: { for: "rate" } }),
      this.group,
      this.slider,
      this.field,
      this.back,
    );
    this.root.title =
      "Learning rate from the next step on, whatever script and schedule make of it";
  }

  /** Shows the rate of the last step, unless the user changes it, or has for the next one. */
  show({ status }: RunRecord, series: RunSeries): void {
    this.root.hidden = status !== "running" || !(series.groups > 0);
    if (this.group.options.length !== series.groups) this.offerGroups(series.groups);
    this.steps = series.length;
    const rate = series.lr(this.chosen)?.at(this.steps - 1) ?? Number.NaN;
    const isEdited = [this.slider, this.field].some(each => each === document.activeElement);
    if (isEdited || this.sentBehind === this.steps || !Number.isFinite(rate)) return;
    this.slider.valueAsNumber = rate > 0 ? Math.log10(rate) : SMALLEST;
    this.field.value = String(Number(rate.toPrecision(4)));
  }

  private get chosen(): number {
    return Math.max(0, this.group.selectedIndex);
  }

  private offerGroups(count: number): void {
    const options = Array.from({ length: count }, (_, i) => new Option(`group ${i}`));
    this.group.replaceChildren(...options);
    this.group.hidden = count < 2;
  }

  private set(value: number): void {
    this.sentBehind = this.steps;
    this.send({ type: "set", group: this.chosen, name: "lr", value });
  }
}
