/** Whether somebody waits for a promise: a forgotten `await` can be named then. */

/**
 * Calls `noticed` when somebody waits for `promise`. By the language's definition, `await`, `then`
 * and `Promise.all` all read its `constructor` first.
 * @returns the promise.
 */
export function noticeAwait<T>(promise: Promise<T>, noticed: () => void): Promise<T> {
  return Object.defineProperty(promise, "constructor", {
    get: () => {
      noticed();
      return Promise;
    },
  });
}
