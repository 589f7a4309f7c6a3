/**
 * The place of a loop at which it is changed and put back: behind the steps of one optimizer. Behind those of
 * another one the script would go on elsewhere than it was. It is the one that came last: of several that share
 * a batch, behind its step a new one is fetched.
 */
export class LoopPlace {
  #optimizer: object | undefined;
  readonly #seen = new WeakSet<object>();
  /** Steps of other optimizers since. */
  #elsewhere = 0;

  /** No step of another optimizer has come since. */
  get isBehind(): boolean {
    return this.#elsewhere === 0;
  }

  /** The script has gone on to another loop. */
  get isLeft(): boolean {
    return this.#elsewhere > MOST_ELSEWHERE;
  }

  /** A step was taken. @returns whether it was one of this place. */
  passed(optimizer: object): boolean {
    this.#elsewhere = optimizer === this.#optimizer ? 0 : this.#elsewhere + 1;
    return this.isBehind;
  }

  /** The same for a loop that may be another one by now. @returns whether the place has moved there. */
  follow(optimizer: object): boolean {
    this.passed(optimizer);
    const isNew = !this.#seen.has(optimizer);
    this.#seen.add(optimizer);
    if (!isNew && !this.isLeft) return false;
    this.#optimizer = optimizer;
    this.#elsewhere = 0;
    return true;
  }
}

/** Steps of other optimizers after which one is no part of the loop any more. */
const MOST_ELSEWHERE = 16;
