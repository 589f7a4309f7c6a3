/**
 * Keeps Dawn's event pump from burning a core. While anything is pending, dawn.node re-arms a
 * native callback with `setImmediate` at every turn of the event loop (measured: utilization 1.00).
 * Native callbacks are anonymous and have no JavaScript source, which tells them from a user's; one
 * millisecond between two pumps costs that much readback latency and leaves the core to the loop.
 */
export function calmEventPump(): void {
  const immediate = globalThis.setImmediate;
  const calm = (callback: (...args: unknown[]) => void, ...args: unknown[]): unknown => {
    if (!isNative(callback)) return immediate(callback, ...args);
    armed = { callback, timer: setTimeout(callback, 1) };
    return armed.timer;
  };
  globalThis.setImmediate = Object.assign(calm, immediate) as typeof setImmediate;
}

/** The pump's next turn. */
let armed: { readonly callback: () => void; readonly timer: NodeJS.Timeout } | undefined;

/** Takes the pump's next turn now, for who cannot give way to the event loop. */
export function pumpEvents(): void {
  if (!armed) return;
  const { callback, timer } = armed;
  armed = undefined;
  clearTimeout(timer);
  // It arms the pump again while anything is pending.
  callback();
}

function isNative(callback: unknown): callback is () => void {
  return (
    typeof callback === "function" &&
    callback.name === "" &&
    Function.prototype.toString.call(callback).includes("[native code]")
  );
}
