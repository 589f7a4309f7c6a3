import type { StoredRun } from "../../runtime/store/list.ts";

/** The last run of each script in the run store, looked up once until the script runs again. */
export class StoredRuns {
  readonly #last = new Map<string, Promise<StoredRun | undefined>>();

  /** The newest run of a script that has ended; undefined where there is none. */
  last(script: string): Promise<StoredRun | undefined> {
    const known = this.#last.get(script);
    if (known) return known;
    const found = import("../../runtime/store/list.ts").then(list => list.lastEndedRun(script));
    this.#last.set(script, found);
    return found;
  }

  /** The script ran: what is known of it is old. */
  forget(script: string): void {
    this.#last.delete(script);
  }
}
