import { NameSelect, NamesSelect } from "../controls.ts";
import type { ViewState } from "../viewState.ts";
import { MOST_TENSORS } from "./catalogue.ts";

/** The choice of a chart's tensor, or of the tensors that stand beside all parameters. */
export class TensorChoice {
  readonly label: string;
  readonly root: HTMLElement;
  private readonly select: NameSelect | NamesSelect;

  constructor(kind: "tensor" | "tensors", choose: (change: Partial<ViewState>) => void) {
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
