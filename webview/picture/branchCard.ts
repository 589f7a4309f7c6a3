import {
  BRANCH_FACTORS,
  BRANCH_STEPS,
  type Branch,
  type Branches,
  branchObjection,
  MOST_BRANCH_STEPS,
  parseFactors,
} from "../../runtime/protocol/branch.ts";
import type { Control } from "../../runtime/protocol/control.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { iconButton, press, toggle } from "../controls.ts";
import { formatCount, formatValue } from "../data/format.ts";
import type { RunSeries } from "../data/runSeries.ts";
import type { ScaleKind } from "../data/scale.ts";
import { element, setHidden, setText } from "../dom.ts";
import { readTheme } from "../theme.ts";
import type { ViewState } from "../viewState.ts";
import { branchModel, branchScale, describeBranches, lossText } from "./branchModel.ts";
import { drawBranchModel, PADDING } from "./pictureChart.ts";

export interface BranchActions {
  readonly send: (control: Control) => void;
  readonly choose: (change: Partial<ViewState>) => void;
}

/** Name of its scale in the view state, and of the card. */
const ID = "branches";

const WHAT =
  "Each η is tried from here, one after the other, and the run is then where it was. What the script " +
  "counts or prints itself goes on: steps that are tried use up its own.";

/** Learning rates that are tried from where the loop is held: what is asked for, and the curve of each. */
export class BranchCard {
  readonly root: HTMLElement;
  private readonly actions: BranchActions;
  private readonly factors = field("Factors of η", BRANCH_FACTORS.join(" "), {});
  private readonly steps = field("Steps of each", String(BRANCH_STEPS), {
    type: "number",
    min: "1",
    max: String(MOST_BRANCH_STEPS),
  });
  private readonly objection = element("p", {
    class: "objection",
    attributes: { role: "alert", hidden: "" },
  });
  private readonly start = element("button", {
    class: "toggle",
    text: "Try",
    attributes: { type: "submit" },
  });
  private readonly log = toggle("log", "Logarithmic scale of the loss", () => this.chooseScale());
  private readonly text = element("p", {
    class: "picture-text",
    text: WHAT,
    attributes: { id: "branches-text", role: "status" },
  });
  private readonly bar = element("progress", { attributes: { "aria-label": "Trying" } });
  private readonly progress: HTMLElement;
  private readonly canvas = element("div", {
    class: "plot-canvas",
    attributes: { "aria-hidden": "true" },
  });
  private readonly crosshair = element("div", { class: "crosshair", attributes: { hidden: "" } });
  private readonly plot: HTMLElement;
  private readonly lossHead = element("th", { attributes: { scope: "col" } });
  private readonly rows = element("tbody");
  private readonly result: HTMLElement;
  private run: RunRecord | undefined;
  private state: ViewState | undefined;
  private branches: Branches | undefined;
  private isOpen = false;
  private canTake = false;
  /** The step of the branches that is pointed at, from 0. */
  private pointed: number | undefined;
  private erase = () => {};
  private drawing = Promise.resolve();

  constructor(actions: BranchActions) {
    this.actions = actions;
    const cancel = textButton("Cancel", () => actions.send({ type: "stopBranching" }));
    this.progress = element("div", { class: "branch-progress" }, this.bar, cancel);
    this.plot = element(
      "div",
      {
        class: "plot picture-plot",
        attributes: {
          role: "slider",
          tabindex: "0",
          "aria-label": "Loss of each learning rate by step",
          "aria-keyshortcuts": "ArrowLeft ArrowRight Home End",
          "aria-describedby": "branches-text",
        },
      },
      this.canvas,
      this.crosshair,
    );
    const head = ["η", "times", this.lossHead, ""].map(each =>
      typeof each === "string" ? element("th", { text: each, attributes: { scope: "col" } }) : each,
    );
    const table = element("table", {}, element("thead", {}, element("tr", {}, ...head)), this.rows);
    this.result = element(
      "div",
      { class: "branch-result", attributes: { hidden: "" } },
      this.plot,
      element("div", { class: "readings branch-table" }, table),
    );
    const form = element(
      "form",
      { class: "branch-form" },
      labelled("η ×", this.factors),
      labelled("steps", this.steps),
      this.start,
    );
    // What is wrong is said here, in the words of all hosts.
    form.noValidate = true;
    form.addEventListener("submit", event => {
      event.preventDefault();
      this.ask();
    });
    this.root = element(
      "section",
      {
        class: "picture branches",
        attributes: { "aria-labelledby": "branches-title", "data-chart": ID, hidden: "" },
      },
      element(
        "header",
        { class: "chart-head" },
        element("h2", { text: "Other learning rates", attributes: { id: "branches-title" } }),
        element("span", { class: "picture-space" }),
        form,
        this.log,
        iconButton("Close", "close", () => this.close()),
      ),
      this.objection,
      this.text,
      this.progress,
      this.result,
    );
    this.root.addEventListener("keydown", event => {
      if (event.key === "Escape") this.close();
    });
    this.followPointer();
    this.followKeys();
    new ResizeObserver(() => this.redraw()).observe(this.plot);
  }

  /** Opens it, for the user to say what is to be tried. */
  open(): void {
    if (this.run?.status !== "running") return;
    this.isOpen = true;
    setHidden(this.root, false);
    this.root.scrollIntoView({ block: "nearest" });
    this.factors.focus();
    this.factors.select();
  }

  /** Shows a run as it stands. */
  show(run: RunRecord, series: RunSeries, state: ViewState): void {
    if (run.id !== this.run?.id) {
      this.isOpen = false;
      this.branches = undefined;
    }
    Object.assign(this, { run, state });
    const { branches } = this;
    const isRunning = run.status === "running";
    setHidden(this.root, !this.isOpen);
    this.start.disabled = !isRunning || this.isTrying;
    this.canTake =
      isRunning && run.paused === true && branches?.step === series.lastStep && branches.isOver;
    this.offerTakes();
    press(this.log, this.scale === "log");
    this.showProgress();
  }

  /** Takes what is known of the branches. */
  receive(branches: Branches): void {
    this.branches = branches;
    this.isOpen = true;
    this.showRows();
    this.redraw();
  }

  /** The theme, or what is chosen, has changed. */
  redraw(): void {
    this.drawing = this.drawing.then(() => this.draw()).catch(error => console.error(error));
  }

  private get isTrying(): boolean {
    return this.run?.status === "running" && this.branches?.isOver === false;
  }

  private get scale(): ScaleKind {
    return this.state?.scales[ID] ?? (this.branches ? branchScale(this.branches) : "log");
  }

  private chooseScale(): void {
    const scale = this.scale === "log" ? "linear" : "log";
    this.actions.choose({ scales: { ...this.state?.scales, [ID]: scale } });
    this.redraw();
  }

  private ask(): void {
    const factors = parseFactors(this.factors.value);
    const steps = this.steps.valueAsNumber;
    const objection = branchObjection(factors, steps);
    this.objection.hidden = objection === undefined;
    setText(this.objection, objection ?? "");
    const isOfSteps = objection === branchObjection([1], steps);
    this.factors.setAttribute("aria-invalid", String(objection !== undefined && !isOfSteps));
    this.steps.setAttribute("aria-invalid", String(objection !== undefined && isOfSteps));
    if (objection === undefined) this.actions.send({ type: "branch", factors, steps });
  }

  private close(): void {
    if (this.isTrying) this.actions.send({ type: "stopBranching" });
    this.isOpen = false;
    setHidden(this.root, true);
  }

  /** What was tried is changed for good, and the loop goes on with it. */
  private take({ changes }: Branch): void {
    for (const change of changes) this.actions.send(change);
    this.actions.send({ type: "resume" });
  }

  private showProgress(): void {
    const { branches } = this;
    this.progress.hidden = !this.isTrying;
    this.result.hidden = !branches || branches.branches.length === 0;
    this.log.hidden = this.result.hidden;
    setText(this.text, branches ? describeBranches(branches) : WHAT);
    if (!branches) return;
    this.bar.max = branches.count * branches.steps;
    const done = Math.max(0, branches.branches.length - 1) * branches.steps;
    this.bar.value = done + (branches.branches.at(-1)?.losses.length ?? 0);
  }

  private showRows(): void {
    const { branches = [] } = this.branches ?? {};
    while (this.rows.children.length > branches.length) this.rows.lastElementChild?.remove();
    branches.slice(this.rows.children.length).forEach((_, i, added) => {
      this.rows.append(this.row(branches.length - added.length + i));
    });
    const { step = 0, steps = 1 } = this.branches ?? {};
    const at = this.pointed ?? steps - 1;
    setText(this.lossHead, `loss in step ${formatCount(step + 1 + at)}`);
    const texts = branches.map((branch, i) => {
      const text = lossText(branch, at);
      const [name, factor, loss] = this.rows.children[i]?.children ?? [];
      if (!name || !factor || !loss) return "";
      setText(name.firstElementChild as HTMLElement, formatValue(branch.lr));
      setText(factor as HTMLElement, `${formatValue(branch.factor)}×`);
      setText(loss as HTMLElement, text);
      const take = this.rows.children[i]?.querySelector("button");
      take?.setAttribute("aria-label", `Take η ${formatValue(branch.lr)}`);
      return `η ${formatValue(branch.lr)}: ${text}`;
    });
    this.plot.setAttribute("aria-valuemin", String(step + 1));
    this.plot.setAttribute("aria-valuemax", String(step + steps));
    this.plot.setAttribute("aria-valuenow", String(step + 1 + at));
    this.plot.setAttribute("aria-valuetext", `step ${step + 1 + at}: ${texts.join(", ")}`);
    this.showCrosshair();
  }

  /** What exploded is not taken. */
  private offerTakes(): void {
    [...this.rows.querySelectorAll("button")].forEach((button, slot) => {
      const last = this.branches?.branches[slot]?.losses.at(-1);
      button.disabled = !this.canTake || !Number.isFinite(last);
    });
  }

  private row(slot: number): HTMLElement {
    const take = textButton("Take", () => {
      const branch = this.branches?.branches[slot];
      if (branch) this.take(branch);
    });
    take.title = "Go on with this learning rate; it can be taken back";
    take.disabled = true;
    const name = element("span", {
      class: "branch-name",
      attributes: { "data-slot": String(slot) },
    });
    return element(
      "tr",
      {},
      element("th", { attributes: { scope: "row" } }, name),
      element("td"),
      element("td"),
      element("td", {}, take),
    );
  }

  private point(at: number | undefined): void {
    const last = (this.branches?.steps ?? 1) - 1;
    this.pointed = at === undefined ? undefined : Math.min(Math.max(at, 0), last);
    this.showRows();
  }

  private showCrosshair(): void {
    const { pointed, branches } = this;
    this.crosshair.hidden = pointed === undefined;
    if (pointed === undefined || !branches) return;
    const { left, width } = this.area();
    const share = branches.steps > 1 ? pointed / (branches.steps - 1) : 0.5;
    this.crosshair.style.transform = `translateX(${left + share * width}px)`;
  }

  private area(): { readonly left: number; readonly width: number } {
    const { width } = this.plot.getBoundingClientRect();
    return { left: PADDING.left, width: Math.max(1, width - PADDING.left - PADDING.right) };
  }

  private followPointer(): void {
    this.plot.addEventListener("pointermove", event => {
      const { left, width } = this.area();
      const share = (event.clientX - this.plot.getBoundingClientRect().left - left) / width;
      this.point(Math.round(share * ((this.branches?.steps ?? 1) - 1)));
    });
    for (const type of ["pointerleave", "blur"]) {
      this.plot.addEventListener(type, () => this.point(undefined));
    }
  }

  private followKeys(): void {
    this.plot.addEventListener("keydown", event => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const last = (this.branches?.steps ?? 1) - 1;
      const from = this.pointed ?? last;
      const targets: Readonly<Record<string, number>> = {
        ArrowLeft: from - 1,
        ArrowRight: from + 1,
        Home: 0,
        End: last,
      };
      const target = targets[event.key];
      if (target === undefined) return;
      event.preventDefault();
      this.point(target);
    });
  }

  private async draw(): Promise<void> {
    const { branches, plot, scale } = this;
    const { width, height } = plot.getBoundingClientRect();
    if (!branches || width === 0) return;
    const container = element("div");
    this.canvas.append(container);
    const paper = getComputedStyle(document.body).backgroundColor;
    const frame = { container, width, height, theme: readTheme(), paper };
    const drawn = await drawBranchModel(branchModel(branches, scale), scale, frame);
    // The one before stays until this one is there.
    this.erase();
    this.erase = () => {
      drawn();
      container.remove();
    };
    this.showCrosshair();
  }
}

function field(label: string, value: string, attributes: Readonly<Record<string, string>>) {
  return element("input", {
    class: "steps-field",
    attributes: { type: "text", spellcheck: "false", value, "aria-label": label, ...attributes },
  });
}

function labelled(text: string, input: HTMLElement): HTMLElement {
  return element("label", {}, document.createTextNode(text), input);
}

function textButton(text: string, pressed: () => void): HTMLButtonElement {
  const made = element("button", { class: "toggle", text, attributes: { type: "button" } });
  made.addEventListener("click", pressed);
  return made;
}
