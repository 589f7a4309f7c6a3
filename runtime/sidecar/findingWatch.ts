/** Between the controls of clients, the findings of the diagnosis, and the loop that is held for one. */
import type { Control, LoopOrder } from "../protocol/control.ts";
import type { Finding } from "../protocol/finding.ts";
import type { RunRecord } from "../protocol/run.ts";

/** What of a run's record is known here. */
type Watched = Required<Pick<RunRecord, "runsToFinding" | "heldFor">>;

export interface WatchedLoop {
  /** Step of the first number that is not finite, of the steps that are in force. */
  nonFiniteAt(): number | undefined;
  warn(text: string): void;
  /** Hands a control to the loop. */
  control(order: LoopOrder): void;
  changed(watched: Watched): void;
}

/** Controls that say whether the loop goes on, and until when. */
const MOTIONS: readonly Control["type"][] = ["pause", "resume", "step", "runTo", "branch"];

/** Holds a loop at the next finding that is raised, where a client has asked for that. */
export class FindingWatch {
  readonly #loop: WatchedLoop;
  #watched: Watched = { runsToFinding: false, heldFor: "" };
  #hasSearched = false;

  constructor(loop: WatchedLoop) {
    this.#loop = loop;
  }

  /** A client asks for something: who has the loop go on, or holds it, does not wait for a finding. */
  control(control: Control): void {
    const { runsToFinding } = this.#watched;
    if (control.type === "runToFinding") {
      this.#become(true);
      this.#loop.control({ type: "resume" });
      return;
    }
    if (control.type === "locateNonFinite") {
      this.#locate();
      return;
    }
    if (MOTIONS.includes(control.type)) this.#become(false);
    // What is taken back was not found.
    if (control.type === "rewind") this.#become(runsToFinding);
    this.#loop.control(control);
  }

  #locate(): void {
    const step = this.#loop.nonFiniteAt();
    if (step !== undefined) this.#loop.control({ type: "locate", step });
    else this.#loop.warn("All that was measured is finite: there is nothing to look for.");
  }

  /** Nothing is finite since step `step`: the first time, where that began is looked for unasked. */
  lost(step: number): void {
    if (this.#hasSearched) return;
    this.#hasSearched = true;
    this.#loop.control({ type: "search", step });
  }

  findings(findings: readonly Finding[]): void {
    const raised = findings.find(({ state }) => state === "raised");
    if (!raised || !this.#watched.runsToFinding) return;
    this.#become(false, raised.id);
    this.#loop.control({ type: "pause" });
  }

  #become(runsToFinding: boolean, heldFor = ""): void {
    const { runsToFinding: ran, heldFor: held } = this.#watched;
    if (runsToFinding === ran && heldFor === held) return;
    this.#watched = { runsToFinding, heldFor };
    this.#loop.changed(this.#watched);
  }
}
