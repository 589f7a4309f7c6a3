import { CardFrame, type FrameOptions } from "../charts/cardFrame.ts";
import type { CardView } from "../charts/chartCard.ts";
import { type Picture, pictureOf } from "../charts/picture.ts";
import { ReadingTable } from "../charts/readingTable.ts";
import { press, toggle } from "../controls.ts";
import { formatCount, formatSteps } from "../data/format.ts";
import { element, icon, setText } from "../dom.ts";
import type { Theme } from "../theme.ts";
import { columnsOf, type RunColumn, valueAt } from "./columns.ts";
import { OwnDrawing } from "./drawing.ts";
import { OwnRows } from "./rows.ts";
import { type OwnSpec, unknownColumn, usedColumns } from "./spec.ts";

/** A chart is drawn for at most one part of so many of the time: what it costs is the user's to choose. */
const SHARE = 4;

/** Milliseconds between two drawings at most. */
const LONGEST = 2000;

export interface OwnCardOptions extends FrameOptions {
  readonly spec: OwnSpec;
  /** Asks for a redraw. */
  readonly redraw: () => void;
}

/** What it is made for; another needs another drawing. */
interface Made {
  readonly key: string;
  readonly names: readonly string[];
  readonly rows: OwnRows;
  /** Undefined while it is compiled. */
  drawing?: OwnDrawing;
  /** Why there is none. */
  problem?: string;
}

/** A chart of the user's own with its title, and how many rows it draws of how many. */
export class OwnCard {
  readonly title: string;
  private readonly frame: CardFrame;
  private readonly spec: OwnSpec;
  private readonly redraw: () => void;
  private readonly canvas = element("div", { class: "own-canvas" });
  private readonly said = element("p", { class: "plot-waiting", attributes: { hidden: "" } });
  private readonly count = element("span", { class: "own-count" });
  private readonly table = new ReadingTable();
  private readonly plot: HTMLElement;
  private theme: Theme | undefined;
  private view: CardView | undefined;
  private columns: ReadonlyMap<string, RunColumn> = new Map();
  private made: Made | undefined;
  private dirty = true;
  /** When the next drawing may begin, and whether it was asked for. */
  private next = 0;
  private isAsked = false;

  constructor(options: OwnCardOptions) {
    const { title, spec, redraw } = options;
    this.title = title;
    this.spec = spec;
    this.redraw = redraw;
    this.plot = element(
      "div",
      {
        class: "plot own-plot",
        attributes: { role: "group", tabindex: "0", "aria-label": title },
      },
      this.canvas,
      this.said,
    );
    this.frame = new CardFrame(
      options,
      {
        plot: this.plot,
        buttons: [this.makeTableButton()],
        choice: [this.count],
        table: this.table.root,
      },
      () => this.dirty && redraw(),
    );
    new ResizeObserver(() => {
      this.dirty = true;
      redraw();
    }).observe(this.plot);
  }

  get root(): HTMLElement {
    return this.frame.root;
  }

  /** Gives it its height, in CSS pixels, or that of the style; or all of the page. */
  place(height: number | undefined, full: boolean): void {
    this.frame.place(height, full);
  }

  /** Gives the plot the focus. */
  focus(): void {
    this.frame.focus();
  }

  /** Height of the plot in CSS pixels. */
  get height(): number {
    return this.frame.height;
  }

  /** Draws in another theme, with the next `draw`. */
  retheme(theme: Theme): void {
    if (theme === this.theme) return;
    this.theme = theme;
    this.discard();
  }

  /** New steps have come. */
  invalidate(): void {
    this.dirty = true;
  }

  /** Something has come that was asked for. */
  receive(): void {
    this.invalidate();
  }

  /** Draws what is new, if the card can be seen. */
  async draw(view: CardView): Promise<void> {
    this.view = view;
    const { theme } = this;
    if (!theme || !this.dirty || !this.frame.visible || view.series.length === 0) return;
    if (!this.isTime()) return;
    this.dirty = false;
    this.columns = columnsOf(view.series, view.tensor);
    const unknown = unknownColumn(this.spec, this.columns);
    if (unknown !== undefined) return this.fail(unknown);
    const made = this.makeFor(usedColumns(this.spec, this.columns), theme);
    const { drawn, of } = made.rows.write(this.columns, view.window);
    if (!made.drawing) return;
    const begin = performance.now();
    made.drawing.resize(this.plot.clientWidth, this.plot.clientHeight);
    await made.drawing.draw();
    const now = performance.now();
    this.next = now + Math.min((SHARE - 1) * (now - begin), LONGEST);
    this.say("");
    this.tell(view, drawn, of);
  }

  /** What is shown, as a picture. */
  async picture(): Promise<Picture | undefined> {
    const { theme } = this;
    const drawing = await this.made?.drawing?.toSvg();
    if (!theme || !drawing) return undefined;
    const [, width = "", height = ""] = /width="([\d.]+)" height="([\d.]+)"/.exec(drawing) ?? [];
    const size = { width: Number(width), height: Number(height) };
    const count = this.count.textContent ?? "";
    const rest = { subject: "", value: "", legend: [], colors: undefined };
    return pictureOf({ title: this.title, count, drawing, ...size, ...rest }, theme);
  }

  dispose(): void {
    this.discard();
    this.frame.root.remove();
  }

  /** Whether it may be drawn already; if not, it is asked for when it may. */
  private isTime(): boolean {
    const wait = this.next - performance.now();
    if (wait <= 0) return true;
    if (!this.isAsked) setTimeout(() => this.ask(), wait);
    this.isAsked = true;
    return false;
  }

  private ask(): void {
    this.isAsked = false;
    this.redraw();
  }

  /** The drawing of these columns; begins to compile it where there is none. */
  private makeFor(names: readonly string[], theme: Theme): Made {
    const key = names.join("\n");
    if (this.made?.key === key) {
      if (this.made.problem !== undefined) this.say(this.made.problem);
      return this.made;
    }
    this.discard();
    const made: Made = { key, names, rows: new OwnRows(names) };
    this.made = made;
    void this.compile(made, theme);
    return made;
  }

  private async compile(made: Made, theme: Theme): Promise<void> {
    const { clientWidth: width, clientHeight: height } = this.plot;
    const container = element("div");
    try {
      const drawing = await OwnDrawing.make(
        this.spec,
        made.rows.rows,
        theme,
        { width, height },
        container,
      );
      if (made !== this.made) return drawing.dispose();
      made.drawing = drawing;
      this.canvas.replaceChildren(container);
    } catch (error) {
      made.problem = error instanceof Error ? error.message : String(error);
    }
    this.dirty = true;
    this.redraw();
  }

  private discard(): void {
    this.made?.drawing?.dispose();
    this.made = undefined;
    this.canvas.replaceChildren();
    this.dirty = true;
  }

  /** There is nothing to draw of this run. */
  private fail(problem: string): void {
    this.discard();
    this.dirty = false;
    this.say(problem);
    setText(this.count, "");
    setText(this.frame.summary, problem);
    delete this.root.dataset.lastStep;
  }

  /** Says something in the place of the chart; an empty text shows the chart. */
  private say(problem: string): void {
    setText(this.said, problem);
    this.said.hidden = problem === "";
    this.canvas.hidden = problem !== "";
  }

  private tell({ series }: CardView, drawn: number, of: number): void {
    setText(
      this.count,
      drawn < of ? `${formatCount(drawn)} of ${formatSteps(of)}` : formatSteps(of),
    );
    const names = this.made?.names ?? [];
    setText(
      this.frame.summary,
      `Chart of your own of ${names.join(", ")}, over ${this.count.textContent}.`,
    );
    this.root.dataset.lastStep = String(series.lastStep);
    this.showTable();
  }

  private makeTableButton(): HTMLButtonElement {
    const show = () => {
      this.table.root.hidden = !this.table.root.hidden;
      press(button, !this.table.root.hidden);
      this.showTable();
    };
    const label = `${this.title}: show as table`;
    const button = toggle(icon("table"), "Show as table", show, label);
    return button;
  }

  private showTable(): void {
    const names = (this.made?.names ?? []).filter(name => name !== "step");
    const readings = (row: number) =>
      names.flatMap(name => {
        const column = this.columns.get(name);
        const value = column && valueAt(column, row);
        const absent = value === null ? { absent: "–" } : {};
        return [{ label: name, value: value ?? Number.NaN, slot: undefined, ...absent }];
      });
    if (this.view) this.table.show({ readings }, this.view);
  }
}
