import { NameSelect } from "../controls.ts";
import { element, icon, setText } from "../dom.ts";
import { MAP_KINDS, type MapKind, type ViewState } from "../viewState.ts";
import { type Choice, MOST_TENSORS } from "./catalogue.ts";
import { type Offer, TensorPicker } from "./tensorPicker.ts";

const MAP_NAMES: Readonly<Record<MapKind, string>> = {
  stepSize: "Step size",
  effectiveLr: "Effective learning rate",
};

/** The choice of what the map of all tensors shows. */
export class MapChoice {
  readonly label = "Shows";
  readonly root: HTMLElement;
  private readonly select: NameSelect;

  constructor(choose: (change: Partial<ViewState>) => void) {
    this.select = new NameSelect(this.label, name =>
      choose({ mapped: MAP_KINDS.find(kind => MAP_NAMES[kind] === name) ?? "stepSize" }),
    );
    this.root = this.select.root;
  }

  offer(_names: readonly string[], { mapped }: ViewState): void {
    this.select.offer(
      MAP_KINDS.map(kind => MAP_NAMES[kind]),
      MAP_NAMES[mapped],
    );
  }
}

/** The choice of a chart's tensor, or of the tensors that stand beside all parameters. */
export class TensorChoice {
  readonly label: string;
  readonly root: HTMLElement;
  private readonly kind: Exclude<Choice, "mapped">;
  private readonly text = element("span");
  private readonly picker: TensorPicker;
  private offered: Offer | undefined;

  constructor(kind: Exclude<Choice, "mapped">, choose: (change: Partial<ViewState>) => void) {
    this.kind = kind;
    this.label = kind === "tensor" ? "Tensor" : "Tensors";
    this.picker = new TensorPicker(this.label, {
      ...(kind === "tensors" ? { most: MOST_TENSORS } : {}),
      chosen: names =>
        choose(kind === "tensor" ? { tensor: names[0] } : { gradientTensors: names }),
      arranged: (tensorFilter, collapsed) => choose({ tensorFilter, collapsed }),
    });
    const button = element(
      "button",
      { class: "choice-button", attributes: { type: "button", "aria-haspopup": "dialog" } },
      this.text,
      icon("chevron-down"),
    );
    button.addEventListener("click", () => this.picker.open(button));
    this.root = element("div", { class: "tensor-choice" }, button, this.picker.root);
  }

  /** Offers these names; the same array as before has the same names. */
  offer(names: readonly string[], state: ViewState): void {
    const { tensor, gradientTensors, tensorFilter: filter, collapsed } = state;
    const [first = ""] = names;
    const one = tensor !== undefined && names.includes(tensor) ? tensor : first;
    const selected =
      this.kind === "tensor" ? [one] : gradientTensors.filter(name => names.includes(name));
    const offer = { names, selected, filter, collapsed };
    if (this.offered && sameOffer(offer, this.offered)) return;
    this.offered = offer;
    setText(this.text, this.kind === "tensor" ? one : textOf(selected));
    this.picker.offer(offer);
  }
}

function sameOffer(a: Offer, b: Offer): boolean {
  return (
    a.names === b.names &&
    a.filter === b.filter &&
    a.collapsed === b.collapsed &&
    a.selected.length === b.selected.length &&
    a.selected.every((name, i) => name === b.selected[i])
  );
}

function textOf(selected: readonly string[]): string {
  const [first] = selected;
  if (selected.length > 1) return `${selected.length} tensors`;
  return first ?? "none";
}
