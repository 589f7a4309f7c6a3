/** A number that the script logged about itself, such as an accuracy on a validation set. */
export interface MetricRecord {
  /** The script's name for it; `val/loss` stands with the other names that begin with `val/`. */
  readonly name: string;
  readonly value: number;
  /** Last step that was queued when it was logged: 0 before the first. */
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}
