/** What a client may ask of a training loop while it runs. */
export type Control =
  /** Holds the loop behind the step that it is in. */
  | { readonly type: "pause" }
  | { readonly type: "resume" }
  /** So many steps more, then holds; controls that come before they are done add up. */
  | { readonly type: "step"; readonly count: number }
  /** Holds behind step `step` of the run, or at once where that is over. */
  | { readonly type: "runTo"; readonly step: number };
