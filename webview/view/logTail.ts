import type { LogRecord } from "../../runtime/protocol/messages.ts";
import { element, setText } from "../dom.ts";

/** Lines that the page keeps; the output channel and the store have all. */
const LINES = 500;

/** The last lines that the script printed. It follows them while it is scrolled to its end. */
export class LogTail {
  readonly root: HTMLDetailsElement;
  private readonly lines = element("div", {
    class: "log-lines",
    attributes: { role: "log", tabindex: "0", "aria-label": "Output of the script" },
  });
  private readonly count = element("span", { class: "log-count" });
  private total = 0;

  constructor(toggled: (open: boolean) => void) {
    this.root = element(
      "details",
      { class: "log", attributes: { hidden: "" } },
      element("summary", {}, element("span", { text: "Output" }), this.count),
      this.lines,
    );
    this.root.addEventListener("toggle", () => {
      this.lines.scrollTop = this.lines.scrollHeight;
      toggled(this.root.open);
    });
  }

  clear(): void {
    this.lines.replaceChildren();
    this.total = 0;
    this.root.hidden = true;
  }

  append(logs: readonly LogRecord[]): void {
    if (logs.length === 0) return;
    this.total += logs.length;
    const { lines } = this;
    const atEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 4;
    lines.append(
      ...logs
        .slice(-LINES)
        .map(({ level, text }) => element("div", { class: `log-line log-${level}`, text })),
    );
    while (lines.childElementCount > LINES) lines.firstElementChild?.remove();
    if (atEnd) lines.scrollTop = lines.scrollHeight;
    setText(this.count, this.total > LINES ? `last ${LINES} of ${this.total}` : `${this.total}`);
    this.root.hidden = false;
  }
}
