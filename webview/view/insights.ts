import { type Control, liveChange } from "../../runtime/protocol/control.ts";
import {
  type Evidence,
  type Finding,
  type FindingCode,
  isOpen,
  mostSerious,
  type Severity,
  saysNonFinite,
} from "../../runtime/protocol/finding.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { formatCount, formatValue } from "../data/format.ts";
import { element, icon } from "../dom.ts";
import { evidencePicture } from "./evidencePicture.ts";

const SEVERITIES: Readonly<Record<Severity, { readonly icon: string; readonly name: string }>> = {
  error: { icon: "error", name: "Error" },
  warning: { icon: "warning", name: "Warning" },
  info: { icon: "info", name: "Info" },
};

export interface InsightActions {
  readonly control: (control: Control) => void;
  /** Points all charts at a step. */
  readonly point: (step: number) => void;
  readonly toggled: (open: boolean) => void;
  /** Opens what a finding is about; undefined where there is no editor. */
  readonly reveal: ((finding: Finding) => void) | undefined;
  /** Opens the page that explains a rule; the same. */
  readonly explain: ((code: FindingCode) => void) | undefined;
}

/**
 * What the diagnosis says of a run: one line that says how it stands, and behind it every finding with
 * its evidence and what can be done. The line is there from the first step on, so that nothing jumps.
 */
export class Insights {
  readonly root = element("details", { class: "insights", attributes: { hidden: "" } });
  private readonly actions: InsightActions;
  private readonly verdict = element("span", { class: "insights-verdict" });
  private readonly list = element("ul", { class: "findings" });
  private shown: string | undefined;
  /** Ids of findings that are not shown. */
  private silenced: readonly string[] = [];

  constructor(actions: InsightActions) {
    this.actions = actions;
    this.root.append(
      element("summary", {}, element("span", { text: "Insights" }), this.verdict),
      this.list,
    );
    this.root.addEventListener("toggle", () => actions.toggled(this.root.open));
  }

  /** From now on these findings are not shown, and all others are. */
  silence(ids: readonly string[]): void {
    this.silenced = ids;
  }

  show({ findings: all, status, steps, unjudged = "" }: RunRecord, open: boolean): void {
    const findings = all.filter(({ id }) => !this.silenced.includes(id));
    const isRunning = status === "running";
    // Who unfolds it sees what there is; the event of `open` being set says nothing new.
    if (this.root.open !== open) this.root.open = open;
    const key = JSON.stringify([findings, isRunning, steps > 0, unjudged]);
    if (key === this.shown) return;
    this.shown = key;
    this.root.hidden = steps === 0 && findings.length === 0;
    const told = findings.filter(isOpen);
    this.verdict.replaceChildren(...verdictOf(told, unjudged));
    const past = findings.filter(({ state }) => state === "cleared");
    this.list.replaceChildren(
      ...[...told.toReversed(), ...past.toReversed()].map(each => this.item(each, isRunning)),
    );
    if (unjudged) this.list.append(note(`Nothing is said of the learning rate. ${unjudged}`));
    else if (this.list.childElementCount === 0) this.list.append(note(NOTHING));
  }

  private item(finding: Finding, isRunning: boolean): HTMLElement {
    const { severity, title, message, since, step, evidence } = finding;
    const holds = isOpen(finding);
    const when = holds
      ? `since step ${formatCount(since)}`
      : `steps ${formatCount(since)} – ${formatCount(step)}, no longer so`;
    const { icon: name, name: spoken } = SEVERITIES[severity];
    return element(
      "li",
      { class: holds ? `finding finding-${severity}` : "finding finding-past" },
      element(
        "h2",
        {},
        icon(holds ? name : "check"),
        element("span", { class: "visually-hidden", text: holds ? `${spoken}: ` : "" }),
        element("span", { text: title }),
        element("span", { class: "finding-since", text: when }),
      ),
      ...(holds
        ? [
            element("p", { text: message }),
            element("ul", { class: "evidence" }, ...evidence.map(evidenceItem)),
            element("div", { class: "finding-actions" }, ...this.links(finding, isRunning)),
          ]
        : []),
    );
  }

  private links(finding: Finding, isRunning: boolean): HTMLElement[] {
    const { code, since } = finding;
    const { control, point, reveal, explain } = this.actions;
    const change = isRunning ? liveChange(finding) : undefined;
    const links: HTMLElement[] = [];
    if (change) {
      links.push(
        link(`Use ${change.name} = ${change.value} from the next step on`, () => control(change)),
      );
    }
    if (isRunning && saysNonFinite(finding)) {
      links.push(link("Find where it begins", () => control({ type: "locateNonFinite" })));
    }
    links.push(link(`Show step ${formatCount(since)}`, () => point(since)));
    if (reveal) links.push(link("Open the line", () => reveal(finding)));
    if (explain) links.push(link(`What is ${code}?`, () => explain(code)));
    return links;
  }
}

const NOTHING = "Nothing is wrong as far as the diagnosis can see.";

function note(text: string): HTMLElement {
  return element("li", { class: "finding-none", text });
}

/** How the run stands, in a line. */
function verdictOf(told: readonly Finding[], unjudged: string): Node[] {
  const first = mostSerious(told);
  if (!first) {
    const text = unjudged ? "nothing found; the learning rate is not judged" : "nothing found";
    return [element("span", { text })];
  }
  const others = told.length - 1;
  return [
    element("span", { class: `finding-${first.severity}` }, icon(SEVERITIES[first.severity].icon)),
    element("span", { class: "insights-title", text: first.title }),
    ...(others > 0 ? [element("span", { text: `and ${others} more` })] : []),
  ];
}

function evidenceItem(evidence: Evidence): HTMLElement {
  const { text, expected } = evidence;
  const item = element(
    "li",
    { class: "evidence-item" },
    evidencePicture(evidence),
    element("span", { text }),
  );
  if (expected) {
    const [low, high] = expected.map(bound => formatValue(bound));
    const text = `usual: ${low === high ? low : `${low} – ${high}`}`;
    item.append(element("span", { class: "evidence-usual", text }));
  }
  return item;
}

function link(text: string, pressed: () => void): HTMLElement {
  const made = element("button", { class: "link", text, attributes: { type: "button" } });
  made.addEventListener("click", pressed);
  return made;
}
