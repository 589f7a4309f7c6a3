/** A headless Chromium from npm, with the system libraries that it needs. Linux x64. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";
import { chromiumArchive, installOnce, unpackExecutable, unpackTar } from "./archive.ts";

const FOLDER = join(import.meta.dirname, "../../.vscode-test/chromium");
const EXECUTABLE = join(FOLDER, "chromium");

/** Own arguments only: those of the package switch web security off, which would hide CSP faults. */
const ARGUMENTS = [
  "--no-sandbox",
  // As in every other Chromium: the shell without a head keeps all sites in one process.
  "--site-per-process",
  "--headless",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-dev-shm-usage",
  "--disable-sync",
  "--no-first-run",
  "--no-default-browser-check",
];

/** Fonts from npm alone, so that a screenshot looks the same on every machine. */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <dir prefix="relative">../../node_modules/dejavu-fonts-ttf/ttf</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <alias binding="same"><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
  <alias binding="same"><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
  <alias binding="same"><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
`;

export interface BrowserOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: "light" | "dark";
  /** Device pixels a CSS pixel. */
  readonly scale?: number;
}

/** A browser with a fresh user-data folder; disposing it ends the process and removes the folder. */
export interface Browser extends AsyncDisposable {
  readonly context: BrowserContext;
}

/** Unpacks Chromium and its libraries into .vscode-test/chromium, once. */
export async function installChromium(): Promise<string> {
  await installOnce(FOLDER, async folder => {
    await unpackTar(chromiumArchive("al2023.tar.br"), folder);
    await unpackTar(chromiumArchive("fonts.tar.br"), folder, ["fonts"]);
    await writeFile(join(folder, "fonts.conf"), FONTS);
    await unpackTar(chromiumArchive("swiftshader.tar.br"), folder);
    await unpackExecutable(chromiumArchive("chromium.br"), join(folder, "chromium"));
  });
  return EXECUTABLE;
}

/** Starts Chromium. Use `await using`, or dispose it: it is a process of its own. */
export async function launchBrowser(options: BrowserOptions = {}): Promise<Browser> {
  const executablePath = await installChromium();
  const userData = await mkdtemp(join(tmpdir(), "stepscope-chromium-"));
  const context = await chromium.launchPersistentContext(userData, {
    executablePath,
    ignoreDefaultArgs: true,
    args: [...ARGUMENTS, `--user-data-dir=${userData}`, "--remote-debugging-pipe"],
    env: environment(),
    viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
    deviceScaleFactor: options.scale ?? 1,
    colorScheme: options.colorScheme ?? "dark",
  });
  return {
    context,
    async [Symbol.asyncDispose]() {
      await context.close();
      await rm(userData, { recursive: true, force: true });
    },
  };
}

function environment(): Record<string, string> {
  const inherited = Object.entries(process.env).filter(entry => entry[1] !== undefined);
  return {
    ...(Object.fromEntries(inherited) as Record<string, string>),
    LD_LIBRARY_PATH: [join(FOLDER, "lib"), FOLDER].join(":"),
    FONTCONFIG_FILE: join(FOLDER, "fonts.conf"),
  };
}
