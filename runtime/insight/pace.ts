/** Where a training loop gives way, so that sockets, timers and readbacks are served. */

/** Longest stretch without giving way. */
const STRETCH_MS = 8;

let latest = performance.now();

/** Whether the loop has run long enough to give way. */
export function isTimeToYield(): boolean {
  return performance.now() - latest >= STRETCH_MS;
}

/** Lets every other task of the event loop run once. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise(resolve => {
    // A function of our own: bare `resolve` is native, and native callbacks are slowed down.
    setImmediate(() => {
      latest = performance.now();
      resolve();
    });
  });
}
