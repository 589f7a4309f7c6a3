import { iconButton, press, toggle } from "../controls.ts";
import { element, icon } from "../dom.ts";
import { type Action, actOnKey, keyShortcuts, Menu } from "../menu.ts";
import { type CardDragActions, dragByTitle, dragHeight } from "./cardDrag.ts";

export interface FrameOptions {
  readonly id: string;
  readonly title: string;
  /** What can be done with the chart: its menu, and keys where the plot has the focus. */
  readonly actions: () => readonly Action[];
  /** Gives the chart the whole page, or its place back. */
  readonly full: () => void;
  /** The height of its plot was chosen, in CSS pixels. */
  readonly resized: (height: number) => void;
  /** Its title may be drawn to another place. */
  readonly drag: CardDragActions;
}

/** What stands in a frame. */
export interface FrameContent {
  /** Has the focus, and the keys. */
  readonly plot: HTMLElement;
  /** Stand between the value and the frame's own buttons. */
  readonly buttons: readonly HTMLElement[];
  /** Stand in a line above the plot. */
  readonly choice: readonly HTMLElement[];
  readonly table: HTMLElement;
}

/** What all cards of charts have: title, value, menu, a height, and a place that can be changed. */
export class CardFrame {
  readonly root: HTMLElement;
  readonly title: string;
  readonly value = element("span", { class: "chart-value" });
  /** The chart in a sentence, for who does not see it. */
  readonly summary: HTMLElement;
  private readonly plot: HTMLElement;
  private readonly fullButton: HTMLButtonElement;
  private seen = true;
  private plotSeen = true;

  /** `shown`: the card has come into sight. */
  constructor(options: FrameOptions, content: FrameContent, shown: () => void) {
    const { id, title, actions } = options;
    const { plot } = content;
    this.title = title;
    this.plot = plot;
    const summaryId = `${id}-summary`;
    this.summary = element("p", { class: "visually-hidden", attributes: { id: summaryId } });
    plot.setAttribute("aria-describedby", summaryId);
    const keys = [plot.getAttribute("aria-keyshortcuts") ?? "", keyShortcuts(actions())];
    plot.setAttribute("aria-keyshortcuts", keys.join(" ").trim());
    this.fullButton = toggle(
      icon("screen-full"),
      "Full screen",
      options.full,
      `${title}: full screen`,
    );
    this.root = this.layOut(options, content);
    this.watchVisibility(shown);
  }

  /** False while it is scrolled out of sight. */
  get visible(): boolean {
    return this.seen;
  }

  /** False while its plot is, though not all of the card may be. */
  get plotVisible(): boolean {
    return this.plotSeen;
  }

  /** Gives it its height, in CSS pixels, or that of the style; or all of the page. */
  place(height: number | undefined, full: boolean): void {
    this.plot.style.height = height === undefined || full ? "" : `${height}px`;
    press(this.fullButton, full);
  }

  /** Gives the plot the focus. */
  focus(): void {
    this.plot.focus();
  }

  /** Height of the plot in CSS pixels. */
  get height(): number {
    return this.plot.offsetHeight;
  }

  private layOut(
    { id, title, actions, drag, resized }: FrameOptions,
    { plot, buttons, choice, table }: FrameContent,
  ): HTMLElement {
    const heading = element("h2", { text: title, attributes: { id: `${id}-title` } });
    const more = iconButton(`${title}: more`, "ellipsis", () => {});
    const menu = new Menu(more, title, actions);
    const head = element(
      "header",
      { class: "chart-head" },
      heading,
      this.value,
      ...buttons,
      this.fullButton,
      more,
      menu.root,
    );
    const handle = element("div", { class: "height-handle" });
    plot.append(handle);
    const root = element(
      "section",
      { class: "chart", attributes: { "aria-labelledby": heading.id, "data-chart": id } },
      head,
      element("div", { class: "chart-choice" }, ...choice),
      plot,
      this.summary,
      table,
    );
    listen(plot, actions, menu);
    dragByTitle(root, heading, drag);
    dragHeight(handle, plot, resized);
    return root;
  }

  private watchVisibility(shown: () => void): void {
    const observer = new IntersectionObserver(entries => {
      // A busy page hears of several changes at once: the last is how it is now.
      for (const { target, isIntersecting } of entries) {
        if (target === this.root) this.seen = isIntersecting;
        else this.plotSeen = isIntersecting;
      }
      if (this.seen) shown();
    });
    observer.observe(this.root);
    observer.observe(this.plot);
  }
}

function listen(plot: HTMLElement, actions: FrameOptions["actions"], menu: Menu): void {
  plot.addEventListener("keydown", event => {
    const isFree = event.target === plot && !event.defaultPrevented;
    if (isFree) actOnKey(event, actions());
  });
  plot.addEventListener("contextmenu", event => {
    event.preventDefault();
    menu.open(event.clientX, event.clientY);
  });
}
