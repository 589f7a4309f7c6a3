import { type RunRecord, whyNotBegun } from "../../runtime/protocol/run.ts";
import { button } from "../controls.ts";
import { baseName } from "../data/format.ts";
import { element, icon, setText } from "../dom.ts";
import type { ErrorBlock } from "./errorBlock.ts";

/** What to do where the host has no better word. */
const HINT = "Click ▶ Train above the training loop of a file that imports stepscope.";

/** What stands in the page while there is no run: why, and what to do. */
export class EmptyState {
  private readonly heading = element("h1");
  private readonly reason = element("p", { attributes: { role: "status" } });
  private readonly error: ErrorBlock;
  private readonly train;
  readonly root: HTMLElement;

  /** Without `train` nothing can be trained here. */
  constructor(error: ErrorBlock, train: (() => void) | undefined) {
    this.error = error;
    this.train = train && button("Train again", "debug-restart", train);
    this.root = element(
      "main",
      { class: "empty" },
      icon("graph-line"),
      this.heading,
      this.reason,
      error.root,
      ...(this.train ? [this.train] : []),
    );
  }

  /** Shows what is there instead of a run, and why. */
  show(heading: string, reason: string): void {
    this.fill(heading || "No run yet", reason || (heading ? "" : HINT));
  }

  /** Shows why a script did not begin. */
  showFailure(run: RunRecord): void {
    this.fill(`${baseName(run.script)} ${whyNotBegun(run)}`, "", run);
  }

  private fill(heading: string, reason: string, failed?: RunRecord): void {
    setText(this.heading, heading);
    setText(this.reason, reason);
    this.error.show(failed);
    if (this.train) this.train.hidden = failed === undefined;
  }
}
