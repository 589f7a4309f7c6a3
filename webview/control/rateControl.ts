import {
  type Control,
  type LiveOption,
  type OptionRecord,
  optionObjection,
} from "../../runtime/protocol/control.ts";
import type { OptionValue } from "../../runtime/protocol/page.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { iconButton } from "../controls.ts";
import type { RunSeries } from "../data/runSeries.ts";
import { element, setHidden, setText } from "../dom.ts";
import { NumberField } from "./numberField.ts";
import { OptionRow, writeButton } from "./optionRow.ts";

/** Exponents of ten at the ends of the slider. */
const SMALLEST = -7;
const LARGEST = 1;

/** Digits of η as the slider sets it: numbers that one would write. */
const SLIDER_DIGITS = 2;

/** Digits of η where the script has it. */
const DIGITS = 4;

export interface RateActions {
  readonly control: (control: Control) => void;
  /** Undefined where nothing can be written. */
  readonly write: ((option: OptionValue) => void) | undefined;
}

/**
 * η of a parameter group: a slider over powers of ten, a field for exact values, the ways back and into
 * the script; and the other hyper-parameters that the group has, in a part that is opened.
 */
export class RateControl {
  readonly root: HTMLElement;
  private readonly actions: RateActions;
  private readonly rate: HTMLElement;
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
  private readonly objection = element("p", {
    class: "objection",
    attributes: { role: "alert", hidden: "" },
  });
  private readonly field = new NumberField("Learning rate", {
    objection: value => optionObjection("lr", value),
    sent: value => {
      this.slide(value);
      this.set("lr", value);
    },
    objected: objection => this.object(objection),
  });
  private readonly back = iconButton("Learning rate of the script", "discard", () => {
    this.field.forget();
    this.set("lr", undefined);
  });
  private readonly write = writeButton("η", () => this.writeBack("lr", this.inForce));
  private readonly grid = element("div", { class: "hyperparameters" });
  private readonly more = element(
    "details",
    { class: "more-options" },
    element("summary", { text: "Hyper-parameters" }),
    this.grid,
  );
  private rows: readonly OptionRow[] = [];
  private inForce = Number.NaN;

  constructor(actions: RateActions) {
    this.actions = actions;
    this.slider.addEventListener("input", () => {
      const value = Number((10 ** this.slider.valueAsNumber).toPrecision(SLIDER_DIGITS));
      this.field.take(value);
      this.set("lr", value);
    });
    this.group.addEventListener("change", () => {
      this.field.forget();
      this.offer([]);
    });
    this.rate = element(
      "div",
      { class: "rate-control" },
      element("label", { text: "η", attributes: { for: "rate" } }),
      this.group,
      this.slider,
      this.field.input,
      this.back,
      this.write,
    );
    this.rate.title =
      "Learning rate from the next step on, whatever script and schedule make of it";
    this.root = element("div", { class: "rate" }, this.rate, this.more, this.objection);
  }

  /** Shows what the next step has while the loop is held, else what the last one had. */
  show({ status, paused, options = [], rewinds = [] }: RunRecord, series: RunSeries): void {
    setHidden(this.root, status !== "running" || !(series.groups > 0));
    if (this.group.options.length !== series.groups) this.offerGroups(series.groups);
    const ofGroup = options.filter(({ group }) => group === this.chosen);
    const lr = ofGroup.find(({ name }) => name === "lr");
    const factor = ofGroup.find(({ name }) => name === "lrFactor")?.value ?? 1;
    const last = series.lr(this.chosen)?.at(series.length - 1) ?? Number.NaN;
    this.inForce = paused && lr ? lr.value : last;
    const shown = Number(this.inForce.toPrecision(DIGITS));
    this.field.show(shown, [this.inForce, series.length, rewinds.length].join(" "));
    if (this.slider !== document.activeElement) this.slide(this.field.value);
    const isSet = lr !== undefined && lr.value !== lr.own && factor === 1;
    setHidden(this.write, !isSet || !this.actions.write);
    this.showOptions(ofGroup, rewinds.length);
  }

  private showOptions(ofGroup: readonly OptionRecord[], rewinds: number): void {
    const others = ofGroup.filter(({ name }) => name !== "lr");
    setHidden(this.more, others.length === 0);
    const isSame =
      others.length === this.rows.length &&
      others.every(({ name }, i) => this.rows[i]?.name === name);
    if (!isSame) this.offer(others.map(({ name }) => name));
    others.forEach((option, i) => {
      this.rows[i]?.show(option, String(rewinds), this.actions.write !== undefined);
    });
  }

  private offer(names: readonly LiveOption[]): void {
    this.object(undefined);
    this.rows = names.map(
      name =>
        new OptionRow(name, {
          set: (option, value) => this.set(option, value),
          write: this.actions.write && ((option, value) => this.writeBack(option, value)),
          objected: objection => this.object(objection),
        }),
    );
    this.grid.replaceChildren(...this.rows.map(({ root }) => root));
  }

  private object(objection: string | undefined): void {
    this.objection.hidden = objection === undefined;
    setText(this.objection, objection ?? "");
  }

  private get chosen(): number {
    return Math.max(0, this.group.selectedIndex);
  }

  private offerGroups(count: number): void {
    const options = Array.from({ length: count }, (_, i) => new Option(`group ${i}`));
    this.group.replaceChildren(...options);
    this.group.hidden = count < 2;
  }

  private slide(rate: number): void {
    this.slider.valueAsNumber = rate > 0 ? Math.log10(rate) : SMALLEST;
  }

  private set(name: LiveOption, value: number | undefined): void {
    const asked = { type: "set", group: this.chosen, name } as const;
    this.actions.control(value === undefined ? asked : { ...asked, value });
  }

  private writeBack(name: LiveOption, value: number): void {
    this.actions.write?.({ group: this.chosen, name, value });
  }
}
