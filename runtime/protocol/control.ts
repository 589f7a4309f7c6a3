import type { PictureView } from "./picture.ts";

/** Options of a parameter group that can be changed while it runs. */
export const LIVE_OPTIONS = ["lr", "weightDecay", "eps"] as const;

export type LiveOption = (typeof LIVE_OPTIONS)[number];

/** What a client changed in a run. Changes that follow one another quickly are one. */
export interface ChangeRecord {
  /** The first step that had it. */
  readonly step: number;
  /** Index of the parameter group. */
  readonly group: number;
  readonly name: LiveOption;
  readonly from: number;
  readonly to: number;
}

/** What a client may ask of a training loop while it runs. */
export type Control =
  /** Holds the loop behind the step that it is in. */
  | { readonly type: "pause" }
  | { readonly type: "resume" }
  /** So many steps more, then holds; controls that come before they are done add up. */
  | { readonly type: "step"; readonly count: number }
  /** Holds behind step `step` of the run, or at once where that is over. */
  | { readonly type: "runTo"; readonly step: number }
  /**
   * Puts the state back that followed step `step`, or the newest one before it that is kept, together
   * with what clients had set then. Held or not, the loop goes on from there as it was.
   */
  | { readonly type: "rewind"; readonly step: number }
  /** Draws the loss around the place where the loop is held; `picture` messages tell of it. */
  | { readonly type: "draw"; readonly view: PictureView }
  /** Ends the drawing. */
  | { readonly type: "stopDrawing" }
  /**
   * From the next step on the option of a parameter group has this value, whatever script and schedule
   * make of it; without one it is theirs again.
   */
  | {
      readonly type: "set";
      readonly group: number;
      readonly name: LiveOption;
      readonly value?: number;
    };
