import { MOST_COMPARED, type RunChoice } from "../../runtime/protocol/page.ts";
import { runLabel } from "../data/comparedRuns.ts";
import { formatSteps } from "../data/format.ts";
import { element, setText } from "../dom.ts";

/** A dialog in which runs are chosen: a list with a filter. What is chosen counts at once. */
export class RunPicker {
  readonly root = element("dialog", { class: "run-picker" });
  private readonly chosen: (runFolders: readonly string[]) => void;
  private readonly filter = element("input", {
    attributes: { type: "search", placeholder: "Filter", "aria-label": "Filter runs" },
  });
  private readonly list = element("ul");
  private readonly said = element("p", { attributes: { role: "status" } });
  private runs: readonly RunChoice[] = [];
  private picked: readonly string[] = [];

  constructor(chosen: (runFolders: readonly string[]) => void) {
    this.chosen = chosen;
    const close = element("button", {
      class: "toggle",
      text: "Done",
      attributes: { type: "button" },
    });
    close.addEventListener("click", () => this.root.close());
    this.filter.addEventListener("input", () => this.refill());
    this.root.setAttribute("aria-label", "Runs to compare with");
    this.root.append(
      element("header", {}, element("h2", { text: "Compare with" }), close),
      this.filter,
      this.list,
      this.said,
    );
    // A click beside it closes it.
    this.root.addEventListener("click", ({ target }) => target === this.root && this.root.close());
    // The keys of the page mean nothing in here.
    this.root.addEventListener("keydown", event => event.stopPropagation());
  }

  /** Opens it; the runs are on their way. */
  open(): void {
    this.runs = [];
    this.filter.value = "";
    this.list.replaceChildren();
    setText(this.said, "Looking for runs…");
    this.root.showModal();
  }

  /** The runs to choose among, the newest first, and the folders of those that are chosen. */
  offer(runs: readonly RunChoice[], picked: readonly string[]): void {
    this.runs = runs;
    this.picked = picked;
    this.refill();
  }

  private refill(): void {
    const words = this.filter.value.toLowerCase().split(/\s+/);
    const shown = this.runs.filter(run => {
      const text = `${runLabel(run.name, run)} ${detail(run)}`.toLowerCase();
      return words.every(word => text.includes(word));
    });
    this.list.replaceChildren(...shown.map(run => this.item(run)));
    const none = this.runs.length === 0 ? "There are no other runs." : "No run has these words.";
    setText(this.said, shown.length === 0 ? none : "");
  }

  private item(run: RunChoice): HTMLElement {
    const box = element("input", { attributes: { type: "checkbox" } });
    box.checked = this.picked.includes(run.runFolder);
    box.addEventListener("change", () => {
      const others = this.picked.filter(folder => folder !== run.runFolder);
      const isFull = box.checked && others.length >= MOST_COMPARED;
      if (isFull) {
        box.checked = false;
        setText(this.said, `${MOST_COMPARED} runs are compared at most.`);
        return;
      }
      this.picked = box.checked ? [...others, run.runFolder] : others;
      this.chosen(this.picked);
    });
    const text = element("span", {}, element("span", { text: runLabel(run.name, run) }));
    text.append(element("span", { class: "run-detail", text: detail(run) }));
    return element("li", {}, element("label", {}, box, text));
  }
}

/** `completed, 1 204 steps, seed 3, --rate 0.1` */
function detail({ status, steps, seed, args }: RunChoice): string {
  const given = args.length > 0 ? [args.join(" ")] : [];
  return [status, formatSteps(steps), `seed ${seed}`, ...given].join(", ");
}
