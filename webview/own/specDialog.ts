import { button } from "../controls.ts";
import { element, setText } from "../dom.ts";
import type { RunColumn } from "./columns.ts";

/** Milliseconds after the last key at which what is written is looked at. */
const PAUSE = 300;

/** What a new chart begins with. */
const TEMPLATE = `{
  "title": "Loss by gradient norm",
  "mark": "point",
  "encoding": {
    "x": { "field": "gradNorm", "type": "quantitative", "scale": { "type": "log" } },
    "y": { "field": "loss", "type": "quantitative", "scale": { "type": "log" } },
    "color": { "field": "step", "type": "quantitative" }
  }
}
`;

/** What was found of a specification. */
export interface Verdict {
  /** Why it cannot be drawn; undefined if it can. */
  readonly problem?: string | undefined;
  /** What Vega-Lite and Vega say of it. */
  readonly complaints: readonly string[];
}

export interface SpecDialogActions {
  readonly check: (text: string) => Promise<Verdict>;
  /** `id`: the chart that was changed; undefined for a new one. */
  readonly keep: (id: string | undefined, text: string) => void;
}

/** A dialog in which a chart is written: a specification, what is wrong with it, and the columns that there are. */
export class SpecDialog {
  readonly root = element("dialog", {
    class: "spec-dialog",
    attributes: { "aria-label": "Chart of your own" },
  });
  private readonly actions: SpecDialogActions;
  private readonly title = element("h2");
  private readonly area = element("textarea", {
    attributes: {
      id: "spec",
      rows: "14",
      spellcheck: "false",
      "aria-describedby": "spec-said",
      "aria-keyshortcuts": "Control+Enter",
    },
  });
  private readonly said = element("p", {
    class: "spec-said",
    attributes: { id: "spec-said", role: "status" },
  });
  private readonly columns = element("ul", { class: "spec-columns" });
  private id: string | undefined;
  /** What was written of a chart and not kept. */
  private draft: { readonly id: string | undefined; readonly text: string } | undefined;
  private timer = 0;

  constructor(actions: SpecDialogActions) {
    this.actions = actions;
    const keep = button("Keep", "check", () => void this.keep());
    const cancel = element("button", {
      class: "toggle",
      text: "Cancel",
      attributes: { type: "button" },
    });
    cancel.addEventListener("click", () => this.root.close());
    this.root.append(
      element("header", {}, this.title, cancel, keep),
      element("label", {
        text: "Vega-Lite, as JSON. Without data it draws the run, a row for each step.",
        attributes: { for: "spec" },
      }),
      this.area,
      this.said,
      element(
        "details",
        { attributes: { open: "" } },
        element("summary", { text: "Columns: a click writes the name" }),
        this.columns,
      ),
    );
    this.area.addEventListener("input", () => this.changed());
    // The keys of the page mean nothing in here.
    this.root.addEventListener("keydown", event => {
      event.stopPropagation();
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      void this.keep();
    });
    this.root.addEventListener("close", () => clearTimeout(this.timer));
  }

  /** Opens it for a chart, or for a new one; what was written the last time and not kept is there. */
  open(
    chart: { readonly id: string; readonly text: string } | undefined,
    columns: ReadonlyMap<string, RunColumn>,
  ): void {
    this.id = chart?.id;
    setText(this.title, chart ? "Edit the chart" : "New chart");
    const draft = this.draft?.id === this.id ? this.draft?.text : undefined;
    this.area.value = draft ?? chart?.text ?? TEMPLATE;
    this.columns.replaceChildren(
      ...[...columns].map(([name, { about }]) => this.item(name, about)),
    );
    setText(this.said, "");
    this.root.showModal();
    this.area.focus();
    void this.look();
  }

  private item(name: string, about: string): HTMLElement {
    const insert = element("button", { class: "link", text: name, attributes: { type: "button" } });
    insert.addEventListener("click", () => {
      const { selectionStart, selectionEnd } = this.area;
      // In a field a dot leads into an object.
      const written = name.replaceAll(/[.[\]]/g, "\\\\$&");
      this.area.setRangeText(written, selectionStart, selectionEnd, "end");
      this.area.focus();
      this.changed();
    });
    return element("li", {}, insert, element("span", { class: "spec-about", text: about }));
  }

  private changed(): void {
    this.draft = { id: this.id, text: this.area.value };
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.look(), PAUSE);
  }

  /** Says what is wrong with what is written. Undefined if it has been changed meanwhile. */
  private async look(): Promise<Verdict | undefined> {
    const text = this.area.value;
    const verdict = await this.actions.check(text);
    if (text !== this.area.value) return undefined;
    const { problem, complaints } = verdict;
    setText(this.said, problem ?? complaints.join("\n"));
    this.said.classList.toggle("spec-problem", problem !== undefined);
    this.area.setAttribute("aria-invalid", String(problem !== undefined));
    return verdict;
  }

  private async keep(): Promise<void> {
    clearTimeout(this.timer);
    const verdict = await this.look();
    if (!verdict || verdict.problem !== undefined) return this.area.focus();
    this.draft = undefined;
    this.root.close();
    this.actions.keep(this.id, this.area.value);
  }
}
