/** Runs `fn`, then `leave`; of an asynchronous function, when its promise is settled. */
export function leaving<T>(fn: () => T, leave: () => void): T {
  let result: T;
  try {
    result = fn();
  } catch (error) {
    leave();
    throw error;
  }
  if (result instanceof Promise) return result.finally(leave) as T;
  leave();
  return result;
}
