/** Between the controls of clients, the findings of the diagnosis, and the loop that is held for one. */
import type { Control, LoopOrder } from "../protocol/control.ts";
import type { Finding } from "../protocol/finding.ts";
import type { RunRecord } from "../protocol/run.ts";

/** What of a run's record is known here. */
type Watched = Required<Pick<RunRecord, "runsToFinding" | "heldFor">>;

export interface WatchedLoop {
  /** Hands a control to the loop. */
  control(order: LoopOrder): void;
  changed(watched: Watched): void;
}

/** Controls that say whether the loop goes on, and until when. */
const MOTIONS: readonly Control["type"][] = ["pause", "resume", "step", "runTo"];

/** Holds a loop at the next finding that is raised, where a client has asked for that. */
export class FindingWatch {
  readonly #loop: WatchedLoop;
  #watched: Watched = { runsToFinding: false, heldFor: "" };

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
    if (MOTIONS.includes(control.type)) this.#become(false);
    // What is taken back was not found.
    if (control.type === "rewind") this.#become(runsToFinding);
    this.#loop.control(control);
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
