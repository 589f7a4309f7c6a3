/** Who has rows exactly, and can do without old ones. */
export interface ExactHolder {
  /** The rows before `row` will be forgotten: what is drawn of them is to be asked for by then. */
  leave(row: number): void;
  /** Forgets the rows before `row`. */
  forget(row: number): void;
}

/** Share of the rows to be forgotten that come between the announcement and that: the time to ask for them. */
const NOTICE = 1 / 4;

/**
 * Which of a growing run's rows are known exactly: the latest ones. Of twice as many as are to be known at
 * least the older half is left to the run store, so that a long run takes no more memory than a short one.
 */
export class ExactRows {
  private readonly holder: ExactHolder;
  /** The first row that is known exactly; undefined before any. */
  private begin: number | undefined;
  /** The first one that will be. */
  private leaving: number | undefined;

  constructor(holder: ExactHolder) {
    this.holder = holder;
  }

  /**
   * Makes room for rows that are about to come.
   * @param next the first of them.
   * @param count of them.
   * @param least so many before them stay; columns of twice as many never have to grow.
   * @param align takes a row to the one at or before it that may be the first.
   */
  makeRoom(next: number, count: number, least: number, align: (row: number) => number): void {
    this.begin ??= next;
    const exact = next + count - this.begin;
    if (this.leaving === undefined && exact > (2 - NOTICE) * least) {
      const row = align(next - least);
      if (row <= this.begin) return;
      this.leaving = row;
      this.holder.leave(row);
    }
    if (this.leaving === undefined || exact <= 2 * least) return;
    this.holder.forget(this.leaving);
    this.begin = this.leaving;
    this.leaving = undefined;
  }
}
