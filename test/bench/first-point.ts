/** Time from the click on ▶ Train to the first point on the loss chart, in a real VS Code. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { launchBrowser } from "../host/chromium.ts";
import { PanelPage } from "../host/panel.ts";
import { createProject } from "../host/project.ts";
import { startServer } from "../host/server.ts";
import { Workbench } from "../host/workbench.ts";

const ROOT = join(import.meta.dirname, "../..");

/**
 * Milliseconds of `runs` runs in one window; before each of them the last one is stopped and the
 * panel closed. The first is cold: nothing has been loaded or compiled yet.
 */
export async function measureFirstPoint(runs: number): Promise<number[]> {
  const project = createProject({ installed: true, endless: true });
  try {
    await using server = await startServer({ workspace: project, extension: ROOT });
    await using browser = await launchBrowser({ width: 1600, height: 1000 });
    const workbench = await Workbench.open(browser, server);
    await workbench.openFile("digits.ts");
    const samples: number[] = [];
    for (let i = 0; i < runs; i++) samples.push(await clickToFirstPoint(workbench));
    return samples;
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

async function clickToFirstPoint(workbench: Workbench): Promise<number> {
  const panel = new PanelPage(workbench);
  await workbench.lens("▶ Train").waitFor();
  const start = performance.now();
  const clicked = workbench.clickLens("▶ Train", "■ Stop");
  await panel.drawn("loss", 1);
  const elapsed = performance.now() - start;
  await clicked;
  await workbench.clickLens("■ Stop", "▶ Train");
  await panel.status("Stopped");
  await workbench.tab("Stepscope").click({ button: "middle" });
  return elapsed;
}
