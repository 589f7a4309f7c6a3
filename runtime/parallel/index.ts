/** The public namespace `parallel`. */
export { type GroupOptions, join, type WorkerGroup } from "./group.ts";
