import { formatValue } from "../data/format.ts";
import { element, setHidden, setText } from "../dom.ts";
import type { ColorScale } from "./model.ts";

/** What the colours of a ramp mean: its ends, and what is not finite where there is some. */
export class ColorLegend {
  readonly root = element("div", { class: "color-legend" });
  private readonly low = element("span");
  private readonly high = element("span");
  private readonly note = element("span");
  private readonly bar = element("span", { class: "color-bar" });
  private readonly odd = element("span", { class: "color-odd", text: "not finite" });
  /** Colours that the bar has. */
  private stops: readonly string[] = [];

  constructor() {
    this.root.append(this.low, this.bar, this.high, this.odd, this.note);
    setHidden(this.root, true);
  }

  /** Without a scale there is nothing to explain. */
  show(scale: ColorScale | undefined): void {
    setHidden(this.root, scale === undefined);
    if (!scale) return;
    const {
      stops,
      domain: [low, high],
      note,
      isOdd,
    } = scale;
    setText(this.note, note);
    if (stops !== this.stops) {
      this.stops = stops;
      this.bar.style.background = `linear-gradient(90deg, ${stops.join(", ")})`;
    }
    const known = low <= high;
    setText(this.low, known ? formatValue(low, 2) : "–");
    setText(this.high, known ? formatValue(high, 2) : "–");
    setHidden(this.odd, !isOdd);
  }
}
