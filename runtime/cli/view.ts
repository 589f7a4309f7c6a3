/** `stepscope view [RUN …]`: the panel's page in an ordinary browser. */
import { fileURLToPath } from "node:url";
import { PageServer } from "../page/server.ts";
import { PageSession } from "../page/session.ts";
import { keptView } from "../page/view.ts";
import { MOST_COMPARED } from "../protocol/page.ts";
import { projectOf } from "../store/paths.ts";
import { EXIT, UsageError } from "./exit.ts";
import { findRun } from "./find.ts";

/**
 * Serves a run, compared with the `others`, until Ctrl-C, which leaves the run alone; resolves to the
 * exit code.
 */
export async function view([run, ...others]: readonly string[]): Promise<number> {
  const { folder, record } = findRun(run);
  const compared = others.map(other => findRun(other).folder);
  if (compared.length > MOST_COMPARED) {
    throw new UsageError(`view: a run is compared with ${MOST_COMPARED} others at most.`);
  }
  const server = new PageServer({
    view: () => keptView(projectOf(folder)),
    assets: fileURLToPath(new URL(PAGE, import.meta.url)),
    open: post => new PageSession(folder, compared, post),
  });
  console.log(`${record.id} is at\n\n  ${await server.listen()}\n\nCtrl-C ends.`);
  await new Promise<void>(resolve => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, resolve);
  });
  await server.close();
  return EXIT.completed;
}

/** The built page, from the source as from the built file. */
const PAGE = import.meta.url.endsWith(".ts") ? "../../dist/webview" : "./webview";
