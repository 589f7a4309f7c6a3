import type { Control } from "../../runtime/protocol/control.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { iconButton } from "../controls.ts";
import { element } from "../dom.ts";

/** Most steps that can be asked for. */
const MAX_STEPS = 1e9;

/**
 * Pause, resume, single steps, and so many steps or up to a step. Keys, where no field has the focus:
 * Space pauses and resumes, the right arrow takes a step.
 */
export class LoopControls {
  readonly root: HTMLElement;
  private readonly pause = iconButton("Pause", "debug-pause", () => this.send({ type: "pause" }));
  private readonly resume = iconButton("Resume", "debug-continue", () =>
    this.send({ type: "resume" }),
  );
  private readonly count = element("input", {
    class: "steps-field",
    attributes: {
      type: "number",
      min: "1",
      max: String(MAX_STEPS),
      value: "10",
      "aria-label": "Number of steps",
    },
  });
  private readonly send: (control: Control) => void;
  private paused = false;

  constructor(send: (control: Control) => void) {
    this.send = send;
    const step = iconButton("Step", "debug-step-over", () => this.send({ type: "step", count: 1 }));
    const steps = iconButton("Take so many steps", "run-all", () => this.sendNumber("step"));
    const runTo = iconButton("Run to that step", "run-below", () => this.sendNumber("runTo"));
    this.count.addEventListener("keydown", event => {
      if (event.key === "Enter") this.sendNumber("step");
    });
    this.root = element(
      "div",
      { class: "loop-controls", attributes: { role: "toolbar", "aria-label": "Training loop" } },
      this.pause,
      this.resume,
      step,
      this.count,
      steps,
      runTo,
    );
    addEventListener("keydown", event => this.pressed(event));
  }

  /** Shows what can be done with a run as it stands. */
  show({ status, paused = false }: RunRecord): void {
    this.root.hidden = status !== "running";
    this.paused = paused;
    const hadFocus = [this.pause, this.resume].some(each => each === document.activeElement);
    this.pause.hidden = paused;
    this.resume.hidden = !paused;
    // One takes the place of the other under the user's finger.
    if (hadFocus) (paused ? this.resume : this.pause).focus();
  }

  private sendNumber(type: "step" | "runTo"): void {
    const number = this.count.valueAsNumber;
    if (!this.count.reportValidity() || !Number.isSafeInteger(number)) return;
    this.send(type === "step" ? { type, count: number } : { type, step: number });
  }

  private pressed(event: KeyboardEvent): void {
    const { key, ctrlKey, altKey, metaKey, target } = event;
    if (this.root.hidden || ctrlKey || altKey || metaKey || target !== document.body) return;
    if (key === " ") this.send({ type: this.paused ? "resume" : "pause" });
    else if (key === "ArrowRight") this.send({ type: "step", count: 1 });
    else return;
    event.preventDefault();
  }
}
