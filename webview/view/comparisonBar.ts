import type { RunChoice } from "../../runtime/protocol/page.ts";
import { iconButton, press, toggle } from "../controls.ts";
import type { ComparedRun, ComparedRuns } from "../data/comparedRuns.ts";
import { formatSteps, formatValue } from "../data/format.ts";
import type { SeedBand } from "../data/seedMean.ts";
import { element, icon, setHidden, setText } from "../dom.ts";
import { COMPARED_SLOT } from "../slots.ts";
import { markSlot } from "../theme.ts";
import { DEFAULT_STATE, type ViewState } from "../viewState.ts";
import { RunPicker } from "./runPicker.ts";

export interface ComparisonActions {
  /** Asks for the runs that can be compared. */
  readonly list: () => void;
  /** Compares the shown run with these and no others. */
  readonly compare: (runFolders: readonly string[]) => void;
  /** Draws runs that differ in their seed alone as one with a band, or each. */
  readonly meanSeeds: (meansSeeds: boolean, seedBand: SeedBand) => void;
  /** Makes a run the baseline, or none. */
  readonly pin: (runFolder: string | undefined) => void;
}

/** The runs that are compared with the shown one, each with a way to remove it, and a way to add some. */
export class ComparisonBar {
  readonly root: HTMLElement;
  private readonly runs = element("ul", { class: "compared-runs" });
  private readonly notice = element("p", { class: "comparison-notice" });
  private readonly picker: RunPicker;
  private readonly actions: ComparisonActions;
  private readonly pinShown: HTMLButtonElement;
  private readonly mean: HTMLButtonElement;
  private readonly deviation: HTMLButtonElement;
  private state: ViewState | undefined;
  private shown = "";

  constructor(actions: ComparisonActions) {
    this.actions = actions;
    this.picker = new RunPicker(actions.compare);
    const add = element(
      "button",
      { class: "toggle", attributes: { type: "button", "aria-haspopup": "dialog" } },
      icon("git-compare"),
      element("span", { text: "Compare…" }),
    );
    add.addEventListener("click", () => {
      this.picker.open();
      actions.list();
    });
    this.pinShown = element("button", {
      class: "toggle",
      text: "Baseline",
      attributes: {
        type: "button",
        title: "Pin this run: it stands faintly behind every other run of the project",
        "aria-pressed": "false",
      },
    });
    this.pinShown.addEventListener("click", () => {
      const isPinned = this.pinShown.getAttribute("aria-pressed") === "true";
      actions.pin(isPinned ? undefined : this.state?.runFolder);
    });
    this.mean = element("button", {
      class: "toggle",
      text: "Mean over seeds",
      attributes: {
        type: "button",
        title:
          "Draw runs of the same script and configuration, with other seeds, as their mean, in a band",
      },
    });
    const { meansSeeds, seedBand } = DEFAULT_STATE;
    this.mean.addEventListener("click", () => {
      const state = this.state ?? { meansSeeds, seedBand };
      actions.meanSeeds(!state.meansSeeds, state.seedBand);
    });
    this.deviation = toggle(
      "± deviation",
      "The band is one standard deviation of the runs to both sides of their mean, instead of from their least to their greatest",
      () => actions.meanSeeds(true, this.state?.seedBand === "deviation" ? "range" : "deviation"),
    );
    this.notice.setAttribute("role", "status");
    this.root = element(
      "div",
      { class: "comparison", attributes: { role: "group", "aria-label": "Compared runs" } },
      this.pinShown,
      this.mean,
      this.deviation,
      add,
      this.runs,
      this.notice,
      this.picker.root,
    );
  }

  /** The runs that can be compared have come. */
  offer(runs: readonly RunChoice[], { runFolder, compared }: ViewState): void {
    this.picker.offer(
      runs.filter(run => run.runFolder !== runFolder),
      compared,
    );
  }

  /** Says what has become of a comparison; an empty text says nothing. */
  tell(text: string): void {
    setText(this.notice, text);
  }

  /**
   * Shows the runs that are compared, as far as they have come; `hasReplicates`: some differ in their
   * seed alone.
   */
  show({ all, baseline }: ComparedRuns, state: ViewState, hasReplicates: boolean): void {
    setHidden(this.mean, !hasReplicates);
    this.mean.setAttribute("aria-pressed", String(state.meansSeeds));
    setHidden(this.deviation, !hasReplicates || !state.meansSeeds);
    press(this.deviation, state.seedBand === "deviation");
    this.state = state;
    const { compared, runFolder } = state;
    this.pinShown.setAttribute("aria-pressed", String(baseline === runFolder));
    const waiting = compared.filter(folder => all.every(run => run.runFolder !== folder)).length;
    const key = JSON.stringify([
      waiting,
      all.map(({ label, slot, run }) => [label, slot, run.status, run.steps]),
    ]);
    if (key === this.shown) return;
    this.shown = key;
    const items = all.map(run => this.item(run));
    if (waiting > 0) items.push(element("li", { text: "Reading…" }));
    this.runs.replaceChildren(...items);
  }

  private item(compared: ComparedRun): HTMLElement {
    const { label, run, slot, isBaseline } = compared;
    const name = isBaseline ? `${label}, baseline` : label;
    const item = element("li", {}, element("span", { text: name }), ...this.buttons(compared));
    markSlot(item, COMPARED_SLOT + slot);
    const measured = run.steps > 0 ? [`loss ${formatValue(run.finalLoss)}`] : [];
    item.title = [
      run.script,
      [run.status, formatSteps(run.steps), ...measured, `seed ${run.seed}`].join(", "),
      ...(run.args.length > 0 ? [run.args.join(" ")] : []),
    ].join("\n");
    return item;
  }

  private buttons({ runFolder, label, isBaseline }: ComparedRun): readonly HTMLElement[] {
    const { pin, compare } = this.actions;
    if (isBaseline) return [iconButton(`Unpin ${label}`, "pinned", () => pin(undefined))];
    return [
      iconButton(`Pin ${label} as the baseline`, "pin", () => pin(runFolder)),
      iconButton(`Remove ${label} from the comparison`, "close", () =>
        compare((this.state?.compared ?? []).filter(other => other !== runFolder)),
      ),
    ];
  }
}
