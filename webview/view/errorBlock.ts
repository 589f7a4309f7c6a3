import type { RunRecord, SourceLocation } from "../../runtime/protocol/run.ts";
import { element, icon } from "../dom.ts";

/** Why a run failed, where, and the stack. */
export class ErrorBlock {
  readonly root = element("section", {
    class: "error",
    attributes: { "aria-label": "Error", hidden: "" },
  });
  private readonly openSource: ((location: SourceLocation) => void) | undefined;
  private shown: string | undefined;

  /** Without `openSource` the place is shown and cannot be opened. */
  constructor(openSource: ((location: SourceLocation) => void) | undefined) {
    this.openSource = openSource;
  }

  show(run: Pick<RunRecord, "error" | "status"> | undefined): void {
    const error = run?.error ?? (run?.status === "crashed" ? CRASHED : undefined);
    const key = error && JSON.stringify(error);
    if (key === this.shown) return;
    this.shown = key;
    this.root.hidden = !error;
    this.root.replaceChildren();
    if (!error) return;
    const body = element(
      "div",
      { class: "error-body" },
      element("p", { class: "error-message", text: error.message, attributes: { role: "alert" } }),
    );
    if (error.location) body.append(this.link(error.location));
    if (error.stack) body.append(stackOf(error.stack));
    this.root.append(icon("error"), body);
  }

  private link(location: SourceLocation): HTMLElement {
    const { file, line, column } = location;
    const text = `${file}:${line}:${column}`;
    const { openSource } = this;
    if (!openSource) return element("p", { text });
    const link = element("button", {
      class: "link",
      text,
      attributes: { type: "button", title: "Open the script at this line" },
    });
    link.addEventListener("click", () => openSource(location));
    return link;
  }
}

const CRASHED: NonNullable<RunRecord["error"]> = {
  message:
    "The process of the run ended without a word. All steps until then are kept; " +
    "the output below may say why.",
};

function stackOf(stack: string): HTMLElement {
  return element(
    "details",
    { class: "stack" },
    element("summary", { text: "Details" }),
    element("pre", { text: stack, attributes: { tabindex: "0" } }),
  );
}
