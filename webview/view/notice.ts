import { element, setText } from "../dom.ts";

/** Milliseconds for which a notice stays. */
const STAYS = 8000;

/** What has just been done, in a line at the bottom of the page, with a way to take it back. */
export class Notice {
  readonly root = element("div", { class: "notice", attributes: { hidden: "" } });
  private readonly text = element("span", { attributes: { role: "status" } });
  private readonly undo = element("button", {
    class: "link",
    text: "Undo",
    attributes: { type: "button" },
  });
  private takeBack: (() => void) | undefined;
  private timer = 0;

  constructor() {
    this.root.append(this.text, this.undo);
    this.undo.addEventListener("click", () => {
      this.takeBack?.();
      this.hide();
    });
    // It does not go away under the pointer, or from under the focus.
    for (const stay of ["pointerenter", "focusin"]) {
      this.root.addEventListener(stay, () => clearTimeout(this.timer));
    }
    for (const leave of ["pointerleave", "focusout"]) {
      this.root.addEventListener(leave, () => this.hideLater());
    }
  }

  show(text: string, takeBack?: () => void): void {
    this.takeBack = takeBack;
    this.root.hidden = false;
    this.undo.hidden = !takeBack;
    setText(this.text, text);
    this.hideLater();
  }

  private hideLater(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.hide(), STAYS);
  }

  private hide(): void {
    clearTimeout(this.timer);
    this.root.hidden = true;
    this.takeBack = undefined;
    setText(this.text, "");
  }
}
