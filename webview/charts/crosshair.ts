/** The row of the run, a step, that all charts point at. */
export class Crosshair {
  private readonly listeners: (() => void)[] = [];
  private current: number | undefined;

  /** Undefined while nothing is pointed at. */
  get row(): number | undefined {
    return this.current;
  }

  point(row: number | undefined): void {
    if (row === this.current) return;
    this.current = row;
    for (const listener of this.listeners) listener();
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }
}
