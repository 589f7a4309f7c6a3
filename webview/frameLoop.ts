/** Shortest and longest time between two redraws, in milliseconds: 25 to 22 a second. */
const SHORTEST = 40;
const LONGEST = 45;

/** The least share of a redraw's time for which the page rests after it. */
const REST = 0.25;

/** Milliseconds between two frames of the screen. */
const FRAME = 1000 / 60;

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
  /** When the next redraw may come. */
  private due = 0;

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
    if (now < this.due && !this.urgent) return this.start();
    this.requested = false;
    this.urgent = false;
    try {
      await this.draw();
    } finally {
      const cost = performance.now() - now;
      // A frame comes a little late: counted from when it was due, the rate does not fall to that of every third.
      const interval = Math.max(SHORTEST, Math.min(2 * cost, LONGEST), (1 + REST) * cost);
      this.due = Math.max(this.due, now - FRAME) + interval;
      this.running = false;
      if (this.requested) this.start();
    }
  }
}
