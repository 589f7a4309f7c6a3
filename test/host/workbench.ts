/** What a person does in a VS Code window, for tests that drive one in a browser. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { FrameLocator, Locator, Page } from "playwright-core";
import type { Browser } from "./chromium.ts";
import type { Server } from "./server.ts";
import { separateWebviews } from "./webviewOrigins.ts";

/** Long: it is for what never comes, not for what comes late on a busy machine. */
const TIMEOUT = 120_000;
/** Time for a lens to change after a click, before it is clicked again. */
const CLICK_TIMEOUT = 20_000;
/** Time for the palette to answer, before it is opened again. */
const PICK_TIMEOUT = 10_000;
const ARTIFACTS = join(import.meta.dirname, "../../artifacts");

export class Workbench {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  /** Opens the server's window in a new tab and waits until it has been drawn. */
  static async open(browser: Browser, server: Server): Promise<Workbench> {
    const workbench = new Workbench(await browser.context.newPage());
    workbench.page.setDefaultTimeout(TIMEOUT);
    await separateWebviews(browser.context, server.url);
    await workbench.page.goto(server.url);
    await workbench.#drawn();
    return workbench;
  }

  /** Opens a file at the top of the workspace from the explorer. */
  async openFile(name: string): Promise<void> {
    await this.page
      .locator(`.explorer-folders-view .monaco-list-row[aria-label^="${name}"]`)
      .click();
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
  }

  /** The lens whose text contains `text`. */
  lens(text: string): Locator {
    return this.page.locator(".codelens-decoration a", { hasText: text });
  }

  /**
   * Clicks a lens until the one with the text `next` has come. It is clicked by its place on the
   * screen: a live lens is drawn anew twice a second, and waiting for it to stand still, as a
   * locator's click does, may never end; for the same reason a click may miss it.
   */
  async clickLens(text: string, next: string): Promise<void> {
    const lens = this.lens(text).first();
    const end = Date.now() + TIMEOUT;
    for (;;) {
      const box = await lens.boundingBox({ timeout: CLICK_TIMEOUT }).catch(() => null);
      if (box) await this.page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
      try {
        await this.lens(next).first().waitFor({ timeout: CLICK_TIMEOUT });
        return;
      } catch (error) {
        if (Date.now() > end) throw error;
      }
    }
  }

  /** What decorations have put behind the visible lines of the editor, in their order. */
  async behindLines(): Promise<string[]> {
    // A text: the tests are compiled without the types of a page.
    const texts = await this.page.evaluate<string[]>(`
      [...document.querySelectorAll(".view-lines .view-line")]
        .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
        .flatMap(line => [...line.querySelectorAll("span")])
        .map(span => getComputedStyle(span, "::after").content)
    `);
    return texts
      .filter(text => text.startsWith('"'))
      .map(text => text.slice(1, -1).replaceAll("\u00a0", " "));
  }

  /** Items of the status bar with this text. */
  statusBarItem(text: string | RegExp): Locator {
    return this.page.locator(".statusbar-item", { hasText: text });
  }

  /** What the notification with this text says; opens the list, because tests get no toasts. */
  async notification(text: string | RegExp): Promise<string> {
    await this.page.locator('.statusbar-item[id="status.notifications"] a').click();
    const messages = this.page.locator(".notifications-center .notification-list-item-message");
    return (await messages.filter({ hasText: text }).first().textContent()) ?? "";
  }

  /** A button in the title of the active editor, by the start of its tooltip. */
  titleButton(label: string): Locator {
    return this.page.locator(
      `.editor-group-container.active .editor-actions a[aria-label^="${label}"]`,
    );
  }

  /** The tab of an editor or a panel. */
  tab(title: string | RegExp): Locator {
    return this.page.locator(".tab", { hasText: title });
  }

  /** The document inside the one visible webview. */
  webview(): FrameLocator {
    return this.page.frameLocator("iframe.webview.ready").frameLocator("iframe#active-frame");
  }

  /** Closes what tests open: editors, with the panel, and notifications. */
  async clear(): Promise<void> {
    await this.command("View: Close All Editors");
    await this.page.locator(".tab").first().waitFor({ state: "detached" });
    await this.command("Notifications: Clear All Notifications");
  }

  /** Reloads the window by the command, which saves the layout first; a browser's reload may not. */
  async reload(): Promise<void> {
    const loaded = this.page.waitForEvent("load");
    await this.command("Developer: Reload Window");
    await loaded;
    await this.#drawn();
  }

  /**
   * Runs a command of the palette by its whole title. A window that still restores its editors gives
   * them the focus, which closes the palette: then it is opened again.
   */
  async command(title: string): Promise<void> {
    const row = this.page.locator(".quick-input-list .monaco-list-row", { hasText: title });
    const end = Date.now() + TIMEOUT;
    for (;;) {
      try {
        await this.page.keyboard.press("F1");
        const input = this.page.locator(".quick-input-widget input");
        await input.fill(`>${title}`, { timeout: PICK_TIMEOUT });
        await row.first().waitFor({ timeout: PICK_TIMEOUT });
        await this.page.keyboard.press("Enter");
        return;
      } catch (error) {
        if (Date.now() > end) throw error;
        await this.page.keyboard.press("Escape");
      }
    }
  }

  /** Keeps a picture of the window in artifacts/. */
  async screenshot(name: string): Promise<void> {
    await mkdir(ARTIFACTS, { recursive: true });
    await this.page.screenshot({ path: join(ARTIFACTS, `${name}.png`) });
  }

  async #drawn(): Promise<void> {
    // A folder's files, or the script of a window without a folder.
    await this.page
      .locator(".monaco-workbench :is(.explorer-viewlet .monaco-list-row, .view-line)")
      .filter({ visible: true })
      .first()
      .waitFor();
  }
}
