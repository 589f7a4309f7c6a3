/** Shortest and longest time between two redraws, in milliseconds: 25 to 11 a second. */
const SHORTEST = 40;
const LONGEST = 90;

/**
 * Redraws at most once an animation frame, one redraw after the other. Between two it rests as
 * long as one takes, within limits: what is drawn is trained on the same machine. A hidden page
 * has no frames, so it draws nothing.
 */
export class FrameLoop {
  private readonly draw: () => Promise<void>;
  private requested = false;
  private running = false;
  /** The next redraw does not wait for the machine to have rested. */
  private urgent = false;
  private cost = 0;
  private end = 0;

  constructor(draw: () => Promise<void>) {
    this.draw = draw;
  }

  /** Asks for a redraw; until it comes, further calls ask for the same. `urgent`: somebody waits for it. */
  request(urgent = false): void {
    this.requested = true;
    this.urgent ||= urgent;
    if (!this.running) this.start();
  }

  private start(): void {
    this.running = true;
    requestAnimationFrame(() => void this.frame());
  }

  private async frame(): Promise<void> {
    const now = performance.now();
    const pause = Math.min(Math.max(SHORTEST, 2 * this.cost), LONGEST) - this.cost;
    if (now - this.end < pause && !this.urgent) return this.start();
    this.requested = false;
    this.urgent = false;
    try {
      await this.draw();
    } finally {
      this.end = performance.now();
      this.cost = this.end - now;
      this.running = false;
      if (this.requested) this.start();
    }
  }
}
