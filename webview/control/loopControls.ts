import type { Control } from "../../runtime/protocol/control.ts";
import { type Rewindable, stepBackTarget, undoTarget } from "../../runtime/protocol/rewind.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { iconButton } from "../controls.ts";
import { formatCount } from "../data/format.ts";
import { element, icon, setHidden } from "../dom.ts";

/** Most steps that can be asked for. */
const MAX_STEPS = 1e9;

/**
 * Pause, resume, single steps, so many steps or up to a step, and the ways back. Keys, where no field has
 * the focus: Space pauses and resumes, the right arrow takes a step, the left one goes back, Ctrl+Z takes
 * the last change back, B tries other learning rates.
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
  private readonly branch: () => void;
  private readonly stepBack = iconButton("Go back to the last kept step", "debug-step-back", () =>
    this.goBack(stepBackTarget),
  );
  private readonly undo = iconButton("Take the last change back", "debug-reverse-continue", () =>
    this.goBack(undoTarget),
  );
  private readonly rewind = iconButton("Go back to that step", "history", () =>
    this.sendNumber("rewind"),
  );
  private readonly toFinding = iconButton("Run until a finding", "run-errors", () =>
    this.send({ type: "runToFinding" }),
  );
  /** What the loop goes on to, or what it is held for. */
  readonly note = element("p", { class: "held-for", attributes: { role: "status", hidden: "" } });
  private paused = false;
  private run: Rewindable = { steps: 0 };

  /** @param branch lets the user try other learning rates. */
  constructor(send: (control: Control) => void, branch: () => void) {
    this.send = send;
    this.branch = branch;
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
      this.toFinding,
      this.rewind,
      this.stepBack,
      this.undo,
      iconButton("Try other learning rates from here (B)", "repo-forked", branch),
    );
    addEventListener("keydown", event => this.pressed(event));
  }

  /** Shows what can be done with a run as it stands; `steps` of it have arrived. */
  show(run: RunRecord, steps: number): void {
    const { status, paused = false, kept = [] } = run;
    this.run = { ...run, steps };
    this.rewind.disabled = kept.length === 0;
    this.stepBack.disabled = stepBackTarget(this.run) === undefined;
    this.undo.disabled = undoTarget(this.run) === undefined;
    setHidden(this.root, status !== "running");
    this.paused = paused;
    this.toFinding.setAttribute("aria-pressed", String(run.runsToFinding === true));
    this.showNote(run);
    const hadFocus = [this.pause, this.resume].some(each => each === document.activeElement);
    setHidden(this.pause, paused);
    setHidden(this.resume, !paused);
    // One takes the place of the other under the user's finger.
    if (hadFocus) (paused ? this.resume : this.pause).focus();
  }

  private showNote({ status, paused, runsToFinding, heldFor, findings }: RunRecord): void {
    const finding = paused ? findings.find(({ id }) => id === heldFor) : undefined;
    const text = runsToFinding
      ? "Runs until the diagnosis finds something."
      : finding && `Held: ${finding.title}, found at step ${formatCount(finding.since)}.`;
    setHidden(this.note, status !== "running" || text === undefined);
    if (this.note.textContent === (text ?? "")) return;
    this.note.replaceChildren(icon(finding ? "lightbulb" : "run-errors"), text ?? "");
  }

  private goBack(target: (run: Rewindable) => number | undefined): void {
    const step = target(this.run);
    if (step !== undefined) this.send({ type: "rewind", step });
  }

  private sendNumber(type: "step" | "runTo" | "rewind"): void {
    const number = this.count.valueAsNumber;
    if (!this.count.reportValidity() || !Number.isSafeInteger(number)) return;
    this.send(type === "step" ? { type, count: number } : { type, step: number });
  }

  private pressed(event: KeyboardEvent): void {
    const { key, ctrlKey, altKey, metaKey, target } = event;
    if (this.root.hidden || altKey || target !== document.body) return;
    if (ctrlKey || metaKey) {
      if (key !== "z") return;
      this.goBack(undoTarget);
    } else if (key === " ") this.send({ type: this.paused ? "resume" : "pause" });
    else if (key === "ArrowRight") this.send({ type: "step", count: 1 });
    else if (key === "ArrowLeft") this.goBack(stepBackTarget);
    else if (key === "b") this.branch();
    else return;
    event.preventDefault();
  }
}
