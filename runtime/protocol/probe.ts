/** What experiments with the learning rate found, as a client is told. */

/** A step of a learning-rate range test. */
export interface RangePoint {
  /** η of the first parameter group. */
  readonly lr: number;
  readonly loss: number;
  /** The losses until here, as an exponential mean. */
  readonly smoothed: number;
}

export interface RangeTest {
  /** In ascending order of the rates. */
  readonly curve: readonly RangePoint[];
  /** A tenth of the rate at which the smoothed loss was smallest; undefined if it never fell. */
  readonly suggestion: number | undefined;
}

/** How far the parameters move at a rate, against how far they should. */
export interface TravelProbe {
  readonly lr: number;
  /** Steps taken. */
  readonly steps: number;
  /** ‖θ − θ₀‖ / ‖θ₀‖ behind them; NaN if the loss was not finite any more. */
  readonly travel: number;
  /** The travel of runs that end well, as far in; undefined if the length of the run is unknown. */
  readonly expected: number | undefined;
  /** The rate that would travel that far. */
  readonly suggestion: number | undefined;
  /** Steps of a run for which `lr` would be right. */
  readonly horizon: number;
}

/** A short run at a learning rate. */
export interface RateTrial {
  readonly lr: number;
  /** Steps taken: fewer than the others where it exploded. */
  readonly steps: number;
  /** Mean loss of the last fifth of them; NaN where it exploded. */
  readonly loss: number;
}

/** The learning rate that experiments before a run speak for. */
export interface LearningRateProbe {
  /** Steps taken until now, and in all at most. */
  readonly done: number;
  readonly steps: number;
  /** η and loss of the last step. */
  readonly last: { readonly lr: number; readonly loss: number };
  /** η of the first parameter group as the script sets it. */
  readonly lr: number;
  readonly range: RangeTest;
  /** At the suggestion of the range test; undefined as long as there is none. */
  readonly travel: TravelProbe | undefined;
  /**
   * Short runs around that suggestion, without one around the script's own rate, in ascending order of their rates; the first is at 0
   * and says what the loss is if nothing moves.
   */
  readonly trials: readonly RateTrial[];
  /** Undefined before anything is known, and if no rate made the loss fall. */
  readonly suggestion: number | undefined;
  /** High where a lower and a higher rate were tried and were worse. */
  readonly confidence: "high" | "low";
}

/** What a sidecar is told to try. */
export interface ProbeOptions {
  /** Steps of the range test. */
  readonly steps: number;
  /** Steps that the run is to have; 0 if that is unknown. */
  readonly plannedSteps: number;
}
