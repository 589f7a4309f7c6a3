/** What is measured in a page: notes.js notes when its visible charts are drawn to the end. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";

/** A turn of the wheel. */
export interface Wheel {
  readonly ctrlKey?: boolean;
  readonly shiftKey?: boolean;
  readonly deltaY: number;
}

/** A page that takes notes. */
export class NotedPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Opens an address. `lastStep` is that of its run, where that has ended. */
  static async open(page: Page, address: string, lastStep: number | undefined): Promise<NotedPage> {
    await page.addInitScript({ path: join(import.meta.dirname, "notes.js") });
    await page.addInitScript(`notes.lastStep = "${lastStep ?? ""}"`);
    await page.goto(address);
    return new NotedPage(page);
  }

  /** Milliseconds from the navigation until all visible charts were complete. */
  async painted(): Promise<number> {
    return await this.atLast("notes.painted");
  }

  /** Resolves when something was drawn. */
  async begins(): Promise<void> {
    await this.atLast("notes.draws");
  }

  /** Drawings of the loss so far. */
  async draws(): Promise<number> {
    return await this.page.evaluate<number>("notes.draws");
  }

  /** Milliseconds of the tasks that took more than 100. */
  async longTasks(): Promise<readonly number[]> {
    return await this.page.evaluate<number[]>("notes.longTasks");
  }

  /** Milliseconds from a turn of the wheel until all visible charts are drawn at full resolution. */
  async gesture(wheel: Wheel): Promise<number> {
    return await this.page.evaluate<number>(`notes.gesture(${JSON.stringify(wheel)}, 0.6)`);
  }

  /** Bytes that the page holds after a garbage collection: JavaScript's heap, and buffers beside it. */
  async heap(): Promise<number> {
    const session = await this.page.context().newCDPSession(this.page);
    await session.send("HeapProfiler.collectGarbage");
    const usage: { usedSize: number; embedderHeapUsedSize?: number; backingStorageSize?: number } =
      await session.send("Runtime.getHeapUsage");
    await session.detach();
    const { usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 } = usage;
    return usedSize + embedderHeapUsedSize + backingStorageSize;
  }

  /** Looks until an expression is not 0; a look costs the page next to nothing. */
  private async atLast(expression: string): Promise<number> {
    for (let i = 0; i < 1200; i++) {
      const value = await this.page.evaluate<number>(expression);
      if (value > 0) return value;
      await sleep(100);
    }
    throw new Error(`${expression} is 0 after two minutes.`);
  }
}
