import type { Evidence } from "../../runtime/protocol/finding.ts";
import { placeEvidence } from "../data/evidence.ts";
import { element } from "../dom.ts";

/** A small picture of a number beside the range that healthy runs stay in; the text beside it says the same. */
export function evidencePicture({ value, expected }: Evidence): HTMLElement {
  const root = element("span", {
    class: "evidence-picture",
    attributes: { "aria-hidden": "true" },
  });
  if (!expected) return root;
  const { expected: band, value: mark } = placeEvidence(value, expected);
  const range = element("span", { class: "evidence-range" });
  range.style.left = percent(band[0]);
  range.style.width = percent(band[1] - band[0]);
  const tick = element("span", { class: "evidence-value" });
  tick.style.left = percent(mark);
  root.append(range, tick);
  return root;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)}%`;
}
