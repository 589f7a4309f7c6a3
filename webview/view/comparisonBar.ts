import type { RunChoice } from "../../runtime/protocol/page.ts";
import { iconButton } from "../controls.ts";
import type { ComparedRun } from "../data/comparedRuns.ts";
import { formatSteps, formatValue } from "../data/format.ts";
import { element, icon, setText } from "../dom.ts";
import { COMPARED_SLOT } from "../slots.ts";
import { markSlot } from "../theme.ts";
import type { ViewState } from "../viewState.ts";
import { RunPicker } from "./runPicker.ts";

export interface ComparisonActions {
  /** Asks for the runs that can be compared. */
  readonly list: () => void;
  /** Compares the shown run with these and no others. */
  readonly compare: (runFolders: readonly string[]) => void;
}

/** The runs that are compared with the shown one, each with a way to remove it, and a way to add some. */
export class ComparisonBar {
  readonly root: HTMLElement;
  private readonly runs = element("ul", { class: "compared-runs" });
  private readonly notice = element("p", { class: "comparison-notice" });
  private readonly picker: RunPicker;
  private readonly actions: ComparisonActions;
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
    this.notice.setAttribute("role", "status");
    this.root = element(
      "div",
      { class: "comparison", attributes: { role: "group", "aria-label": "Compared runs" } },
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

  /** Shows the runs that are compared, as far as they have come. */
  show(runs: readonly ComparedRun[], { compared }: ViewState): void {
    const waiting = compared.length - runs.length;
    const key = JSON.stringify([
      waiting,
      runs.map(({ label, slot, run }) => [label, slot, run.status, run.steps]),
    ]);
    if (key === this.shown) return;
    this.shown = key;
    const items = runs.map(each => this.item(each, compared));
    if (waiting > 0) items.push(element("li", { text: "Reading…" }));
    this.runs.replaceChildren(...items);
  }

  private item({ runFolder, label, run, slot }: ComparedRun, compared: readonly string[]) {
    const remove = iconButton(`Remove ${label} from the comparison`, "close", () =>
      this.actions.compare(compared.filter(other => other !== runFolder)),
    );
    const item = element("li", {}, element("span", { text: label }), remove);
    markSlot(item, COMPARED_SLOT + slot);
    const measured = run.steps > 0 ? [`loss ${formatValue(run.finalLoss)}`] : [];
    item.title = [
      run.script,
      [run.status, formatSteps(run.steps), ...measured, `seed ${run.seed}`].join(", "),
      ...(run.args.length > 0 ? [run.args.join(" ")] : []),
    ].join("\n");
    return item;
  }
}
