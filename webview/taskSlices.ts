/** Milliseconds after which a task counts as long (W3C, Long Tasks). */
const LONG = 50;

/** Work that is cut into tasks, so that a key or a click need not wait for all of it. */
export class TaskSlices {
  private begin = performance.now();

  /** Lets other tasks in, if this one has become long. */
  async next(): Promise<void> {
    if (performance.now() - this.begin < LONG) return;
    // Goes on before what has come later; elsewhere than in Chromium and Firefox behind it.
    if ("scheduler" in globalThis && "yield" in scheduler) await scheduler.yield();
    else await new Promise<void>(resolve => setTimeout(resolve));
    this.begin = performance.now();
  }
}
