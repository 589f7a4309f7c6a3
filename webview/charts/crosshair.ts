/** The step that all charts point at. */
export class Crosshair {
  private readonly listeners: (() => void)[] = [];
  private current: number | undefined;

  /** Undefined while nothing is pointed at. */
  get step(): number | undefined {
    return this.current;
  }

  point(step: number | undefined): void {
    if (step === this.current) return;
    this.current = step;
    for (const listener of this.listeners) listener();
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }
}
