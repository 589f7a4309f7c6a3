import { NameSelect, NamesSelect } from "../controls.ts";
import { MAP_KINDS, type MapKind, type ViewState } from "../viewState.ts";
import { type Choice, MOST_TENSORS } from "./catalogue.ts";

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

  offer(_names: readonly string[], state: ViewState | undefined): void {
    this.select.offer(
      MAP_KINDS.map(kind => MAP_NAMES[kind]),
      MAP_NAMES[state?.mapped ?? "stepSize"],
    );
  }
}

/** The choice of a chart's tensor, or of the tensors that stand beside all parameters. */
export class TensorChoice {
  readonly label: string;
  readonly root: HTMLElement;
  private readonly select: NameSelect | NamesSelect;

  constructor(kind: Exclude<Choice, "mapped">, choose: (change: Partial<ViewState>) => void) {
    this.select =
      kind === "tensor"
        ? new NameSelect("Tensor", tensor => choose({ tensor }))
        : new NamesSelect("Tensors", MOST_TENSORS, names => choose({ gradientTensors: names }));
    this.label = this.select.label;
    this.root = this.select.root;
  }

  /** Offers these names. */
  offer(names: readonly string[], state: ViewState | undefined): void {
    if (this.select instanceof NamesSelect) {
      this.select.offer(names, state?.gradientTensors ?? []);
      return;
    }
    const { tensor } = state ?? {};
    this.select.offer(
      names,
      (tensor !== undefined && names.includes(tensor) ? tensor : names[0]) ?? "",
    );
  }
}
