/** What a person reads in the panel, for tests that drive a VS Code in a browser. */
import type { Locator } from "playwright-core";
import type { Workbench } from "./workbench.ts";

/** The charts of the panel, by the names in their markup. */
export const CHARTS = ["loss", "gradNorm", "effectiveLr", "stepSize", "lr"] as const;

export type ChartName = (typeof CHARTS)[number];

/** What a chart has drawn last. */
export interface Drawn {
  /** Number of the last step on it. */
  readonly step: number;
  /** Value of its first line there. */
  readonly value: number;
  /** Steps that it shows, as it says itself. */
  readonly points: number;
}

export class PanelPage {
  readonly #workbench: Workbench;

  constructor(workbench: Workbench) {
    this.#workbench = workbench;
  }

  /** What a chart has drawn, once it has drawn step `step` or a later one. */
  async drawn(chart: ChartName, step: number): Promise<Drawn> {
    const card = this.#chart(chart);
    await card.waitFor();
    // Charts that cannot be seen are not drawn.
    await card.scrollIntoViewIfNeeded();
    for (;;) {
      // Read in one call: a live chart may go on between two.
      const { lastStep, lastValue, steps } = await card.evaluate(element => ({
        lastStep: Number(element.getAttribute("data-last-step")),
        lastValue: Number(element.getAttribute("data-last-value")),
        steps: element.querySelector(".chart-steps")?.textContent ?? "",
      }));
      if (lastStep >= step) {
        const count = /([\d\u202f]+) steps?$/.exec(steps)?.[1] ?? "";
        return { step: lastStep, value: lastValue, points: Number(count.replace(/\D/g, "")) };
      }
      await this.#workbench.page.waitForTimeout(20);
    }
  }

  /** Clicks the Stop button. */
  async stop(): Promise<void> {
    await this.#page().getByRole("button", { name: "Stop" }).click();
  }

  /** Types a learning rate. */
  async setRate(rate: number): Promise<void> {
    const field = this.#page().getByRole("textbox", { name: "Learning rate", exact: true });
    await field.fill(String(rate));
    await field.press("Enter");
  }

  /** Clicks a button of the training loop, and waits for the step that the run then stands at. */
  async control(name: string, step: number): Promise<void> {
    await this.#page().getByRole("button", { name, exact: true }).click();
    await this.drawn("loss", step);
  }

  /** What is said of the picture around the loop that is held, once it is that of a step. */
  async picture(step: number): Promise<string> {
    const card = this.#page().locator('[data-chart="picture"]');
    await card.scrollIntoViewIfNeeded();
    const said = card.locator(".picture-text", { hasText: `Step ${step} began` });
    return (await said.textContent()) ?? "";
  }

  /** Compares the run with the newest other one of a script. */
  async compare(script: string): Promise<void> {
    await this.#page().getByRole("button", { name: "Compare…" }).click();
    const dialog = this.#page().getByRole("dialog", { name: "Runs to compare with" });
    await dialog.getByRole("checkbox", { name: script }).first().check();
    await dialog.getByRole("button", { name: "Done" }).click();
  }

  /** Waits until the run is shown with this status, such as `Stopped`. */
  async status(text: string): Promise<void> {
    await this.#page().locator(".status", { hasText: text }).waitFor();
  }

  /** The adapter that the run computes on, as shown. */
  async adapter(): Promise<string> {
    return (await this.#page().locator('[data-fact="adapter"]').textContent()) ?? "";
  }

  #chart(chart: ChartName): Locator {
    return this.#page().locator(`[data-chart="${chart}"]`);
  }

  #page() {
    return this.#workbench.webview();
  }
}
