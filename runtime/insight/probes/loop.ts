/** What a probe needs of a training loop: steps at rates of its choice, and the way back. */

/** What was measured of a step. */
export interface Measured {
  readonly loss: number;
  /** max ‖θ − θ₀‖ / ‖θ₀‖ since the optimizer began, or since the loop was rewound. */
  readonly travel: number;
}

export interface ProbedLoop {
  /** η of the first parameter group, as the script set it. */
  readonly lr: number;
  /**
   * Has the loop take a step.
   * @param lr η of the first parameter group in it; the others have theirs in proportion.
   */
  step(lr: number): Promise<Measured>;
  /** Puts everything back as it was when the loop was first held. */
  rewind(): void;
}
