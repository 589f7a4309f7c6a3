import type { Control } from "../../runtime/protocol/control.ts";
import {
  describeLine,
  PICTURE_VIEWS,
  type Picture,
  type PictureView,
} from "../../runtime/protocol/picture.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { iconButton, NameSelect, press, toggle } from "../controls.ts";
import { formatSteps, formatValue } from "../data/format.ts";
import type { RunSeries } from "../data/runSeries.ts";
import type { ScaleKind } from "../data/scale.ts";
import { element, setHidden, setText } from "../dom.ts";
import { readTheme } from "../theme.ts";
import { DRAWN_EVERY, type ViewState } from "../viewState.ts";
import { drawLineModel, drawSurfaceModel } from "./pictureChart.ts";
import { describeSurface, lineModel, surfaceModel } from "./pictureModel.ts";

export interface PictureActions {
  readonly send: (control: Control) => void;
  readonly choose: (change: Partial<ViewState>) => void;
}

/** A drawing that takes longer than this shows how far it is, and can be ended. */
const PATIENCE_MS = 400;

const TITLES: Readonly<Record<PictureView, string>> = {
  line: "Along the last update, on its batch",
  plane: "Over the plane in which the last updates lie",
  random: "Over two random directions, each filter as long as its weights",
};

/** What can be chosen of a loop that runs, as it is named. */
const EVERY = DRAWN_EVERY.map(steps =>
  steps === 0 ? "Not while it runs" : `Every ${formatSteps(steps)}`,
);

/**
 * The loss around the place where the loop is: drawn by itself when it comes to rest, every so many steps
 * while it runs, or when it is asked for. A page that is hidden shows nothing, and asks for nothing.
 */
export class PictureCard {
  readonly root: HTMLElement;
  private readonly actions: PictureActions;
  private readonly views: Readonly<Record<PictureView, HTMLButtonElement>>;
  private readonly log: HTMLButtonElement;
  private readonly automatic: HTMLButtonElement;
  private readonly every: NameSelect;
  private readonly again: HTMLButtonElement;
  private readonly cost = element("p", {
    class: "picture-text",
    text: "While it runs, the loop waits until each picture is drawn.",
  });
  private readonly text = element("p", {
    class: "picture-text",
    attributes: { id: "picture-text" },
  });
  private readonly canvas = element("div", { class: "plot-canvas" });
  private readonly waiting = element("p", { class: "plot-waiting" });
  private readonly bar = element("progress", { attributes: { "aria-label": "Drawing" } });
  private readonly progress: HTMLElement;
  private readonly plot: HTMLElement;
  private run: RunRecord | undefined;
  private series: RunSeries | undefined;
  private state: ViewState | undefined;
  private picture: Picture | undefined;
  /** What was asked for last, and when. */
  private asked = "";
  private askedAt = 0;
  private askedStep = 0;
  /** It has not come yet, or not wholly. */
  private isAwaited = false;
  private erase = () => {};
  private drawing = Promise.resolve();

  constructor(actions: PictureActions) {
    this.actions = actions;
    const view = (name: PictureView, text: string) =>
      toggle(text, TITLES[name], () => actions.choose({ pictureView: name }));
    this.views = {
      line: view("line", "Along the step"),
      plane: view("plane", "Last updates"),
      random: view("random", "Random"),
    };
    this.log = toggle("log", "Logarithmic scale of the loss", () => this.chooseScale());
    this.automatic = toggle("While paused", "Draw whenever the loop comes to rest", () =>
      actions.choose({ drawsWhilePaused: !this.state?.drawsWhilePaused }),
    );
    this.every = new NameSelect("Draw while the loop runs", name =>
      actions.choose({ drawsEvery: DRAWN_EVERY[EVERY.indexOf(name)] ?? 0 }),
    );
    this.again = iconButton("Draw the loss around here", "refresh", () => this.ask());
    const cancel = element("button", {
      class: "toggle",
      text: "Cancel",
      attributes: { type: "button" },
    });
    cancel.addEventListener("click", () => actions.send({ type: "stopDrawing" }));
    this.progress = element("div", { class: "picture-progress" }, this.bar, cancel);
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-labelledby", "picture-title");
    this.canvas.setAttribute("aria-describedby", "picture-text");
    this.plot = element("div", { class: "plot picture-plot" }, this.canvas, this.waiting);
    this.root = element(
      "section",
      {
        class: "picture",
        attributes: { "aria-labelledby": "picture-title", "data-chart": "picture", hidden: "" },
      },
      element(
        "header",
        { class: "chart-head" },
        element("h2", { text: "Loss around here", attributes: { id: "picture-title" } }),
        ...Object.values(this.views),
        element("span", { class: "picture-space" }),
        this.log,
        this.automatic,
        this.every.root,
        this.again,
      ),
      this.text,
      this.cost,
      this.plot,
      this.progress,
    );
    new ResizeObserver(() => this.redraw()).observe(this.plot);
  }

  /** Shows a run as it stands, and asks for its picture where it is due. */
  show(run: RunRecord, series: RunSeries, state: ViewState): void {
    const isOther = run.id !== this.run?.id;
    Object.assign(this, { run, series, state });
    if (isOther) {
      this.forget();
      this.clear();
    }
    const offered = viewsOf(run);
    for (const name of PICTURE_VIEWS) {
      this.views[name].hidden = !offered.includes(name) || offered.length < 2;
      press(this.views[name], name === this.view);
    }
    setText(this.views.plane, elementsOf(run) === 2 ? "Surface" : "Last updates");
    press(this.automatic, state.drawsWhilePaused);
    press(this.log, this.scale === "log");
    this.every.offer(EVERY, EVERY[DRAWN_EVERY.indexOf(state.drawsEvery)] ?? "");
    this.cost.hidden = state.drawsEvery === 0;
    const isRunning = run.status === "running";
    const isHeld = isRunning && run.paused === true;
    this.again.disabled = !isRunning;
    if (isHeld && state.drawsWhilePaused && this.asked !== this.place) this.ask();
    if (isRunning && !isHeld && this.isDue(state.drawsEvery)) this.ask();
    setHidden(this.root, !isRunning || (!isHeld && !this.picture && !this.isAwaited));
    if (this.root.hidden) this.forget();
    if (!this.picture) setText(this.waiting, this.isAwaited ? "Drawing…" : "Not drawn yet");
    this.showProgress();
  }

  /** Takes a picture as far as it is drawn. */
  receive(picture: Picture): void {
    this.isAwaited = !picture.problem && picture.done < picture.total;
    if (picture.view !== this.view) return;
    const isNew = !!(picture.line || picture.surface || picture.problem);
    // The last one stays until there is something of the next.
    if (isNew || !this.picture) {
      this.picture = picture;
      this.redraw();
    } else {
      this.picture = { ...this.picture, done: picture.done, total: picture.total };
    }
    this.showProgress();
  }

  /** The theme, or what is chosen, has changed. */
  redraw(): void {
    this.drawing = this.drawing.then(() => this.draw()).catch(error => console.error(error));
  }

  private get view(): PictureView {
    const { run, state } = this;
    const chosen = state?.pictureView ?? "line";
    return run && viewsOf(run).includes(chosen) ? chosen : "line";
  }

  /** Where the loop stands, and what is to be seen of it. */
  private get place(): string {
    const { run, series } = this;
    return [run?.id, this.view, series?.lastStep, run?.rewinds?.length].join(" ");
  }

  private get scale(): ScaleKind {
    const chosen = this.state?.scales[`picture-${this.view}`];
    // A tangent is a straight line on a linear scale alone.
    if (chosen || this.view === "line") return chosen ?? "linear";
    return this.picture?.surface?.losses.some(loss => loss <= 0) ? "linear" : "log";
  }

  private chooseScale(): void {
    const scale = this.scale === "log" ? "linear" : "log";
    this.actions.choose({ scales: { ...this.state?.scales, [`picture-${this.view}`]: scale } });
    this.redraw();
  }

  /** Asks for it, whatever there is, and brings it into view. */
  open(): void {
    this.ask();
    setHidden(this.root, false);
    this.root.scrollIntoView({ block: "nearest" });
  }

  private ask(): void {
    this.asked = this.place;
    this.askedAt = performance.now();
    this.askedStep = this.series?.lastStep ?? 0;
    this.isAwaited = true;
    // Why there was none says nothing of the next.
    if (this.picture?.problem) this.picture = undefined;
    else if (this.picture) this.picture = { ...this.picture, done: 0 };
    this.actions.send({ type: "draw", view: this.view });
  }

  /** Whether a loop that runs has come so many steps further since the last one. */
  private isDue(every: number): boolean {
    const step = this.series?.lastStep ?? 0;
    return every > 0 && !this.isAwaited && step >= this.askedStep + every;
  }

  private forget(): void {
    this.picture = undefined;
    this.asked = "";
    this.askedStep = 0;
    this.isAwaited = false;
  }

  private showProgress(): void {
    const { picture } = this;
    const isDrawing =
      this.run?.status === "running" &&
      this.asked !== "" &&
      picture !== undefined &&
      !picture.problem &&
      picture.done < picture.total &&
      performance.now() - this.askedAt > PATIENCE_MS;
    this.progress.hidden = !isDrawing;
    this.bar.max = picture?.total ?? 1;
    this.bar.value = picture?.done ?? 0;
  }

  /** Takes the drawing away. */
  private clear(): void {
    this.erase();
    this.erase = () => {};
    this.canvas.replaceChildren();
    this.waiting.hidden = false;
    setText(this.text, "");
  }

  private async draw(): Promise<void> {
    const { picture, series, plot } = this;
    const { width, height } = plot.getBoundingClientRect();
    if (!picture || !series || width === 0) return;
    this.clear();
    this.root.dataset.step = String(picture.step);
    const { line, surface, path, problem } = picture;
    setText(this.waiting, problem ?? "Drawing…");
    this.waiting.hidden = !!(line || surface) && !problem;
    if (problem) return;
    const paper = getComputedStyle(document.body).backgroundColor;
    const frame = { container: this.canvas, width, height, theme: readTheme(), paper };
    if (line) {
      setText(this.text, describeLine(line, picture.step, formatValue));
      const model = lineModel(line, path, series, this.scale);
      this.erase = await drawLineModel(model, this.scale, frame);
    } else if (surface) {
      const model = surfaceModel(surface, path, this.scale);
      setText(this.text, describeSurface(surface, model, path));
      this.erase = await drawSurfaceModel(model, surface.names, frame);
    }
  }
}

/** The pictures that there are of a model. */
function viewsOf(run: RunRecord): readonly PictureView[] {
  const elements = elementsOf(run);
  if (elements === 1) return ["line"];
  return elements === 2 ? ["line", "plane"] : PICTURE_VIEWS;
}

function elementsOf({ tensors }: RunRecord): number {
  return tensors.reduce((sum, { shape }) => sum + shape.reduce((all, size) => all * size, 1), 0);
}
