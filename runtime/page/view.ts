import { readFileSync, writeFileSync } from "node:fs";
import { viewFile } from "../store/paths.ts";

/** What the last page of a project let be kept; undefined without it. */
export function keptView(project: string): string | undefined {
  try {
    return readFileSync(viewFile(project), "utf8");
  } catch {
    return undefined;
  }
}

/** Keeps what a page has chosen to show. A project that cannot be written shows its runs all the same. */
export function keepView(project: string, view: string): void {
  try {
    writeFileSync(viewFile(project), view);
  } catch {
    // The next page begins as the first.
  }
}
