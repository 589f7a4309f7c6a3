import { differences } from "../../runtime/protocol/configuration.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import type { ComparedRun } from "../data/comparedRuns.ts";
import { element, setHidden } from "../dom.ts";
import { COMPARED_SLOT } from "../slots.ts";
import { markSlot } from "../theme.ts";

/** In what the configurations of the compared runs differ from the shown run's, as a table. */
export class DifferenceTable {
  readonly root = element("details", { class: "differences", attributes: { hidden: "" } });
  private readonly content = element("div", { class: "readings", attributes: { tabindex: "0" } });
  private readonly showSource: ((runFolder: string) => void) | undefined;
  private shown = "";

  /** `showSource` compares the script of a run with the shown run's; undefined where nothing can. */
  constructor(showSource: ((runFolder: string) => void) | undefined) {
    this.showSource = showSource;
    this.root.append(element("summary", { text: "Differences" }), this.content);
  }

  show(run: RunRecord, compared: readonly ComparedRun[]): void {
    setHidden(this.root, compared.length === 0);
    const found = differences([run, ...compared.map(other => other.run)]);
    const names = compared.map(({ runFolder, label, slot }) => ({ runFolder, label, slot }));
    const key = JSON.stringify([found, names]);
    if (key === this.shown) return;
    this.shown = key;
    const head = [
      element("th"),
      element("th", { text: "this run", attributes: { scope: "col" } }),
      ...compared.map(other => this.heading(other)),
    ];
    const rows = found.map(({ name, values }) =>
      element(
        "tr",
        {},
        element("th", { text: name, attributes: { scope: "row" } }),
        ...values.map(value => element("td", { text: value ?? "–" })),
      ),
    );
    const same = element("p", { text: "All runs have the same configuration." });
    this.content.replaceChildren(
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, ...head)),
        element("tbody", {}, ...rows),
      ),
      ...(found.length === 0 ? [same] : []),
    );
  }

  private heading({ runFolder, label, slot }: ComparedRun): HTMLElement {
    const name = element("span", { text: label });
    markSlot(name, COMPARED_SLOT + slot);
    const { showSource } = this;
    if (!showSource) return element("th", { attributes: { scope: "col" } }, name);
    const source = element("button", {
      class: "toggle",
      text: "Script",
      attributes: { type: "button", title: `Compare the script of ${label} with this run's` },
    });
    source.addEventListener("click", () => showSource(runFolder));
    return element("th", { attributes: { scope: "col" } }, name, source);
  }
}
