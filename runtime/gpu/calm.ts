/**
 * Keeps Dawn's event pump from burning a core. While anything is pending, dawn.node re-arms a
 * native callback with `setImmediate` at every turn of the event loop (measured: utilization 1.00).
 * Native callbacks are anonymous and have no JavaScript source, which tells them from a user's; one
 * millisecond between two pumps costs that much readback latency and leaves the core to the loop.
 */
export function calmEventPump(): void {
  const immediate = globalThis.setImmediate;
  const calm = (callback: (...args: unknown[]) => void, ...args: unknown[]): unknown =>
    isNative(callback) ? setTimeout(callback, 1, ...args) : immediate(callback, ...args);
  globalThis.setImmediate = Object.assign(calm, immediate) as typeof setImmediate;
}

function isNative(callback: unknown): boolean {
  return (
    typeof callback === "function" &&
    callback.name === "" &&
    Function.prototype.toString.call(callback).includes("[native code]")
  );
}
