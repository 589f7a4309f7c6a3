import { type LiveOption, OPTION_LABELS } from "../../runtime/protocol/control.ts";
import { type Stretch, stretchesTakenBack } from "../../runtime/protocol/rewind.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { formatCount, formatValue } from "../data/format.ts";
import type { Range } from "../data/scale.ts";
import { element } from "../dom.ts";
import type { Theme } from "../theme.ts";

/** Something that was done to a run at a step, in words. */
export interface EventMark {
  readonly step: number;
  readonly text: string;
}

/** What the charts show of what was done to a run. */
export interface RunEvents {
  readonly marks: readonly EventMark[];
  readonly takenBack: readonly Stretch[];
}

export const NO_EVENTS: RunEvents = { marks: [], takenBack: [] };

/** Limits of gradients are of all groups. */
const OF_RUN: readonly LiveOption[] = ["maxNorm", "clipValue"];

/** What was done to a run of which `steps` steps are known, in the order of the steps. */
export function eventsOf(
  { changes = [], rewinds = [], tensors }: RunRecord,
  steps: number,
): RunEvents {
  const groups = new Set(tensors.map(({ group }) => group)).size;
  const marks = [
    ...changes.map(({ step, group, name, from, to }) => {
      const where = groups > 1 && !OF_RUN.includes(name) ? ` of group ${group}` : "";
      const what = `${OPTION_LABELS[name]}${where}`;
      return { step, text: `${what} ${formatValue(from)} → ${formatValue(to)}` };
    }),
    ...rewinds.map(({ step, to }) => ({ step, text: `taken back to step ${formatCount(to)}` })),
  ].sort((a, b) => a.step - b.step);
  return { marks, takenBack: stretchesTakenBack(rewinds, steps) };
}

/** Events in a sentence, for who does not see the marks. */
export function describeEvents({ marks }: RunEvents): string {
  const said = marks.map(({ step, text }) => `at step ${formatCount(step)} ${text}`);
  return said.length > 0 ? ` ${said.join("; ")}.` : "";
}

/** CSS pixels around a mark in which the pointer means it. */
const NEAR = 6;

/** Marks above a plot, and a veil over what was taken back. */
export class EventMarks {
  readonly root = element("div", { class: "event-marks", attributes: { "aria-hidden": "true" } });
  private places: readonly { readonly x: number; readonly text: string }[] = [];
  private veils: readonly Range[] = [];

  /** @param placeOf the place of a step in CSS pixels from the left, which may lie outside of the plot. */
  draw(
    { marks, takenBack }: RunEvents,
    placeOf: (step: number) => number,
    left: number,
    width: number,
  ) {
    const had = this.places.length + this.veils.length;
    const within = (x: number) => Math.min(Math.max(x, left), left + width);
    this.places = marks
      .map(({ step, text }) => ({ x: placeOf(step), text }))
      .filter(({ x }) => x === within(x));
    this.veils = takenBack
      .map(({ first, last }): Range => [within(placeOf(first)), within(placeOf(last))])
      .filter(([from, to]) => to > from);
    if (had + this.places.length + this.veils.length === 0) return;
    this.root.replaceChildren(
      ...this.veils.map(([from, to]) => boxAt("veil", from, to - from)),
      ...this.places.map(({ x }) => boxAt("event-mark", x)),
    );
  }

  /** The marks and veils as elements of an SVG document, between two heights. */
  toSvg(top: number, bottom: number, { background, foreground }: Theme): string {
    const veils = this.veils.map(
      ([from, to]) =>
        `<rect x="${from}" y="${top}" width="${to - from}" height="${bottom - top}" ` +
        `fill="${background}" opacity="0.7"/>`,
    );
    const lines = this.places.map(
      ({ x }) =>
        `<line x1="${x}" x2="${x}" y1="${top}" y2="${bottom}" ` +
        `stroke="${foreground}" stroke-dasharray="3 3" opacity="0.6"/>`,
    );
    return [...veils, ...lines].join("");
  }

  /** What was done near a place, in words. */
  near(x: number): readonly string[] {
    return this.places.filter(place => Math.abs(place.x - x) <= NEAR).map(({ text }) => text);
  }
}

function boxAt(name: string, left: number, width?: number): HTMLElement {
  const box = element("div", { class: name });
  box.style.left = `${left}px`;
  if (width !== undefined) box.style.width = `${width}px`;
  return box;
}
