/** The VSIX as its users get it: packaged, installed, and what is in it. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Uint8ArrayReader, ZipReader } from "@zip.js/zip.js";
import type { FrameLocator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { stage } from "../../packaging/stage.ts";
import { FALLBACK, MEBIBYTE, TARGETS } from "../../packaging/targets.ts";
import { buildForProduction, packageVsix } from "../../packaging/vsix.ts";
import { PanelPage } from "../host/panel.ts";
import { processesWith, type RunningProcess } from "../host/processes.ts";
import { createProject } from "../host/project.ts";
import { type Server, startServer } from "../host/server.ts";
import { useWindow } from "./window.ts";

/** Everything that may be in the VSIX. */
const ALLOWED = [
  /^(package(\.nls)?\.json|readme\.md|changelog\.md|LICENSE(\.txt)?|\.vsixmanifest)$/i,
  /^media\/(icon\.png|runs\.svg|walkthrough\/\w+\.(svg|md))$/,
  /^examples\/((parabola|two-basins|saddle|regression|digits)\.ts|data\/digits\.csv\.gz)$/,
  /^dist\/(index|sidecar|recorder|stepscope|worker)\.js$/,
  /^dist\/chunks\/[\w.-]+\.js$/,
  /^dist\/(extension|parser)\.cjs$/,
  /^dist\/THIRD_PARTY_LICENSES\.txt$/,
  /^docs\/findings\.md$/,
  /^l10n\/[\w.-]+\.json$/,
  /^dist\/webview\/((panel|browser|compiler)\.js|panel\.css|codicon[\w-]*\.(ttf|css))$/,
  /^dist\/types\/[\w/-]+\.d\.ts$/,
  /^dist\/swiftshader\/(libvulkan\.so\.1|libvk_swiftshader\.so|vk_swiftshader_icd\.json)$/,
  /^node_modules\/stepscope-typescript\/(package\.json|index\.js)$/,
  /^node_modules\/webgpu\/(package\.json|LICENSE\.md|index\.js|dist\/linux-x64\/dawn\.node)$/,
  /^node_modules\/esbuild\/(package\.json|LICENSE\.md|lib\/main\.js)$/,
  /^node_modules\/@esbuild\/linux-x64\/(package\.json|bin\/esbuild)$/,
];

/** The parts without which a run cannot start. */
const NEEDED = [
  "dist/extension.cjs",
  "dist/parser.cjs",
  "dist/sidecar.js",
  "dist/webview/panel.js",
  "dist/swiftshader/libvk_swiftshader.so",
  "node_modules/webgpu/dist/linux-x64/dawn.node",
  "node_modules/@esbuild/linux-x64/bin/esbuild",
];

/** What VS Code compiles before a window with a script in it is ready: without the parser. */
const LARGEST_START = 200 * 1024;

const folder = mkdtempSync(join(tmpdir(), "stepscope-vsix-"));
const vsix = join(folder, "stepscope.vsix");
const fallback = join(folder, "fallback.vsix");
const project = createProject({ installed: false, endless: true });
const MARK = "STEPSCOPE_TEST_MARK";
const mark = randomUUID();
let server: Server;

beforeAll(async () => {
  buildForProduction();
  const [linux = FALLBACK] = TARGETS;
  await packageVsix(linux, vsix);
  await packageVsix(FALLBACK, fallback);
  server = await startServer({ workspace: project, vsix, environment: { [MARK]: mark } });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  for (const { pid } of started("")) process.kill(pid, "SIGKILL");
  for (const each of [folder, project]) rmSync(each, { recursive: true, force: true });
});

test("it holds what is allowed, all that is needed, and at most 15 MB", () => {
  const files = filesIn(installedFolder());
  expect(files.filter(file => !ALLOWED.some(pattern => pattern.test(file)))).toEqual([]);
  expect(NEEDED.filter(file => !files.includes(file))).toEqual([]);
  expect(statSync(vsix).size).toBeLessThan(15 * MEBIBYTE);
  expect(statSync(join(installedFolder(), "dist/extension.cjs")).size).toBeLessThan(LARGEST_START);
});

describe("installed", () => {
  const window = useWindow("vsix", () => server, {});

  test("it shows its lens and trains to the end", async () => {
    const workbench = window();
    await workbench.openFile("parabola.ts");
    await workbench.clickLens("▶ Train", "last: loss");
    await workbench
      .tab(/Stepscope|parabola/)
      .last()
      .waitFor();
    await writeChart(workbench.webview());
    await workbench.screenshot("vsix-parabola");
  });

  // VS Code starts its extension host again in a window without an extension in development.
  test("a run outlives its extension host, and the panel has all of its steps", async () => {
    const workbench = window();
    const panel = new PanelPage(workbench);
    await workbench.openFile("digits.ts");
    await workbench.clickLens("▶ Train", "■ Stop");
    // The panel shows the run of before until it has this one.
    await panel.status("Running");
    const before = await panel.drawn("loss", 20);
    const [sidecar] = started("sidecar");
    for (const { pid } of started("--type=extensionHost")) process.kill(pid, "SIGKILL");

    const after = await panel.drawn("loss", before.step + 200);
    expect(after.points).toBe(after.step);
    expect(started("sidecar")).toEqual([sidecar]);
    expect(await workbench.tab("Stepscope").count()).toBe(1);
    await workbench.screenshot("vsix-host-killed");
    await panel.stop();
    await panel.status("Stopped");
    await expect.poll(() => started("sidecar"), { timeout: 60_000 }).toEqual([]);
  });
});

test("the package of other platforms has no native part, and at most 2 MB", async () => {
  const staged = mkdtempSync(join(folder, "staged-"));
  await stage(FALLBACK, staged);
  const files = filesIn(staged);
  expect(files.filter(file => !ALLOWED.some(pattern => pattern.test(file)))).toEqual([]);
  expect(
    files.filter(file => /node_modules\/(?!stepscope-)|swiftshader|\.node$/.test(file)),
  ).toEqual([]);
  expect(files).toContain("dist/extension.cjs");
  expect(statSync(fallback).size).toBeLessThan(2 * MEBIBYTE);
});

test("the largest package has at most 20 MB, and the parts of its platform", async () => {
  const target = TARGETS.find(({ name }) => name === "win32-arm64") ?? FALLBACK;
  const largest = join(folder, "largest.vsix");
  await packageVsix(target, largest);
  expect(statSync(largest).size).toBeLessThan(20 * MEBIBYTE);
  const reader = new ZipReader(new Uint8ArrayReader(readFileSync(largest)));
  const names = (await reader.getEntries()).map(({ filename }) => filename);
  expect(names).toEqual(
    expect.arrayContaining([
      "extension/node_modules/webgpu/dist/win32-arm64/dawn.node",
      "extension/node_modules/@esbuild/win32-arm64/esbuild.exe",
    ]),
  );
});

test("two builds of one source have the same bytes, and nothing is doubted of them", async () => {
  const again = join(folder, "again.vsix");
  const warn = vi.spyOn(console, "warn");
  buildForProduction();
  await packageVsix(FALLBACK, again);
  expect(warn.mock.calls).toEqual([]);
  expect(readFileSync(again).equals(readFileSync(fallback))).toBe(true);
});

test("the licences of all parts are in it", () => {
  const text = readFileSync(join(installedFolder(), "dist/THIRD_PARTY_LICENSES.txt"), "utf8");
  for (const name of [
    "webgpu",
    "esbuild",
    "vega-view",
    "vega-lite",
    "@babel/parser",
    "@vscode/codicons",
  ]) {
    expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+`, "m"));
  }
});

/** Adds a chart of one's own: the compiler behind it is a file that the panel of an installed extension loads. */
async function writeChart(panel: FrameLocator): Promise<void> {
  await panel.getByRole("button", { name: "Charts" }).click();
  await panel.getByRole("menuitem", { name: "New chart…" }).click();
  const dialog = panel.getByRole("dialog", { name: "Chart of your own" });
  const encoding = {
    x: { field: "step", type: "quantitative" },
    y: { field: "gradNorm", type: "quantitative" },
  };
  const chart = { title: "Norms", mark: "point", encoding };
  await dialog.getByRole("textbox").fill(JSON.stringify(chart));
  await dialog.getByRole("button", { name: "Keep" }).click();
  const card = panel.getByRole("group", { name: "Norms" });
  await card.scrollIntoViewIfNeeded();
  await panel.locator(".own-count", { hasText: "50" }).waitFor();
}

/** Processes of this VS Code whose command has this in it. */
function started(command: string): RunningProcess[] {
  return processesWith(MARK, mark).filter(each => each.command.includes(command));
}

function installedFolder(): string {
  const [installed] = readdirSync(server.extensions).filter(name => name.startsWith("stepscope."));
  return join(server.extensions, installed ?? "");
}

/** The files below a folder, relative to it. */
function filesIn(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(root, join(entry.parentPath, entry.name)));
}
