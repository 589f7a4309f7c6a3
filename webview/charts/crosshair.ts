/** The row of the run, a step, that all charts point at. */
export class Crosshair {
  private readonly listeners: (() => void)[] = [];
  private current: number | undefined;
  private after: number | undefined;

  /** Undefined while nothing is pointed at. */
  get row(): number | undefined {
    return this.current;
  }

  /** Where on the x axis it points, if that is after the last row: compared runs may go on there. */
  get beyond(): number | undefined {
    return this.after;
  }

  point(row: number | undefined, beyond?: number): void {
    if (row === this.current && beyond === this.after) return;
    this.current = row;
    this.after = beyond;
    for (const listener of this.listeners) listener();
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }
}
