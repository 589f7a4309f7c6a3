import { element, icon, setText } from "../dom.ts";

/** What to do where the host has no better word. */
const HINT = "Press ▶ Train above the training loop of a file that imports stepscope.";

/** What stands in the page while there is no run: why, and what to do. */
export class EmptyState {
  private readonly reason = element("p", { attributes: { role: "status" } });
  readonly root = element(
    "main",
    { class: "empty" },
    icon("graph-line"),
    element("h1", { text: "No run yet" }),
    this.reason,
  );

  show(reason: string): void {
    setText(this.reason, reason || HINT);
  }
}
