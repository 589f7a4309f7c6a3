import { translated, windowOf } from "../charts/window.ts";
import { NameSelect, press, SmoothingSlider, toggle } from "../controls.ts";
import { X_KINDS, type XKind } from "../data/axis.ts";
import { formatCount } from "../data/format.ts";
import type { RunSeries } from "../data/runSeries.ts";
import type { Range } from "../data/scale.ts";
import { element, icon, setHidden, setText } from "../dom.ts";
import type { ViewState } from "../viewState.ts";

const X_NAMES: Readonly<Record<XKind, string>> = {
  step: "Step",
  epoch: "Epoch",
  samples: "Samples",
  time: "Time",
};

export interface ToolbarActions {
  readonly choose: (change: Partial<ViewState>) => void;
  /** Points all charts at a row, and shows the steps around it. */
  readonly point: (row: number) => void;
}

/** What is chosen for all charts: their x axis, what they show of it, outliers and smoothing. */
export class Toolbar {
  readonly root: HTMLElement;
  private readonly x;
  private readonly logX;
  private readonly outliers;
  private readonly follow;
  private readonly reset;
  private readonly odd;
  private readonly smoothing;
  /** Chooses an x axis as soon as it is known where the steps stand on it. */
  private awaited: (() => void) | undefined;
  private state: ViewState | undefined;
  private series: RunSeries | undefined;

  constructor({ choose, point }: ToolbarActions) {
    this.x = new NameSelect("X axis", name => this.chooseX(name, choose));
    this.logX = toggle("log x", "Logarithmic x axis", () =>
      choose({ xScale: this.state?.xScale === "log" ? "linear" : "log" }),
    );
    this.outliers = toggle(
      "Ignore outliers",
      "Leave outliers out of y axes; marks at the edge show them",
      () => choose({ ignoresOutliers: !this.state?.ignoresOutliers }),
    );
    this.follow = toggle("Follow", "Move what is shown with the last step", () =>
      choose(this.state?.follows ? { follows: false, zoom: this.shown() } : { follows: true }),
    );
    this.reset = action("Show all", "screen-normal", () =>
      choose({ zoom: undefined, follows: false, yZooms: {} }),
    );
    this.odd = action("", "warning", () => {
      const row = this.firstOdd();
      if (row >= 0) point(row);
    });
    this.smoothing = new SmoothingSlider(weight => choose({ smoothing: weight }));
    this.root = element(
      "div",
      { class: "toolbar", attributes: { role: "region", "aria-label": "View" } },
      element("span", { class: "choice-label", text: "X axis" }),
      this.x.root,
      this.logX,
      this.outliers,
      this.odd,
      this.follow,
      this.reset,
      this.smoothing.root,
    );
  }

  /** Shows what is chosen. */
  show(state: ViewState, series: RunSeries, running: boolean): void {
    this.state = state;
    this.series = series;
    this.awaited?.();
    this.x.offer(
      // What a run without a loader has not counted is not offered.
      X_KINDS.filter(kind => kind === state.x || series.isCounted(kind)).map(kind => X_NAMES[kind]),
      X_NAMES[state.x],
    );
    press(this.logX, state.xScale === "log");
    press(this.outliers, state.ignoresOutliers);
    press(this.follow, state.follows);
    setHidden(this.follow, !running || !state.zoom);
    setHidden(this.reset, !state.zoom && Object.keys(state.yZooms).length === 0);
    this.smoothing.set(state.smoothing);
    const row = this.firstOdd();
    setHidden(this.odd, row < 0);
    const label = this.odd.lastElementChild;
    if (row >= 0 && label instanceof HTMLElement) {
      setText(label, `Not finite at step ${formatCount(series.positions("step").at(row))}`);
    }
  }

  /** The first row whose loss or gradient is not finite; −1 without one. */
  private firstOdd(): number {
    const { series } = this;
    if (!series || series.isLoggedOnly) return -1;
    const rows = [series.step("loss").firstNonFinite];
    const gradNorm = series.step("gradNorm");
    // A script whose gradients are not known has none from its first step.
    if (gradNorm.firstNonFinite > 0) rows.push(gradNorm.firstNonFinite);
    const known = rows.filter(row => row >= 0);
    return known.length > 0 ? Math.min(...known) : -1;
  }

  /** The part of the x axis that is shown, also where it has moved; undefined for all of it. */
  private shown(): Range | undefined {
    const { state, series } = this;
    return state?.zoom && series && windowOf(series, state).domain;
  }

  /** The same steps are shown on the other axis. */
  private chooseX(name: string, choose: ToolbarActions["choose"]): void {
    const kind = X_KINDS.find(x => X_NAMES[x] === name);
    const { state, series } = this;
    this.awaited = undefined;
    if (!kind || !state || !series || kind === state.x) return;
    const shown = this.shown();
    const [from, to] = [series.positions(state.x), series.positions(kind)];
    // The same steps are somewhere else as long as it is not known where.
    if (shown && to.isApproximate) this.awaited = () => this.chooseX(name, choose);
    else choose({ x: kind, zoom: shown && translated(shown, from, to) });
  }
}

function action(text: string, iconName: string, pressed: () => void): HTMLButtonElement {
  const made = element(
    "button",
    { class: "toggle", attributes: { type: "button", hidden: "" } },
    icon(iconName),
    element("span", { text }),
  );
  made.addEventListener("click", pressed);
  return made;
}
