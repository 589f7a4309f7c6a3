/** Colours and dashes of lines, by slot: of a chart's own lines, of compared runs, of what is planned. */
import { MOST_COMPARED } from "../runtime/protocol/page.ts";

/**
 * One pattern a line, so that lines differ without their colour. As many as a chart has lines at
 * most.
 */
export const DASHES: readonly (readonly number[])[] = [
  [1, 0],
  [6, 2],
  [2, 2],
  [8, 2, 2, 2],
  [4, 4],
  [10, 3],
  [1, 3],
];

/** Tokens of the lines, in an order in which neighbours differ for colour-blind eyes too. */
export const SERIES_TOKENS = [
  "--vscode-charts-blue",
  "--vscode-charts-orange",
  "--vscode-charts-purple",
  "--vscode-charts-green",
  "--vscode-charts-red",
  "--vscode-charts-yellow",
  "--vscode-descriptionForeground",
];

/** Slot of the first run that is compared with the one that is shown: after those of a chart's own lines. */
export const COMPARED_SLOT = DASHES.length;

/** Number of the baseline's slot among those of compared runs: the last. */
export const BASELINE = MOST_COMPARED;

/** How the line of a compared run looks, or of a plan. */
interface SlotStyle {
  readonly token: string;
  readonly dash: readonly number[];
  /** CSS colour of the line, of that of its token. */
  readonly shade: (color: string) => string;
}

/** Colour and dash of a compared run: a pair that no line of a chart's own has. */
function comparedStyle(index: number): SlotStyle {
  const colors = SERIES_TOKENS.length - 1;
  // The first is the shown run's.
  const color = 1 + (index % colors);
  const dash = (color + 1 + Math.floor(index / colors)) % DASHES.length;
  return {
    token: SERIES_TOKENS[color] ?? "",
    dash: DASHES[dash] ?? [1, 0],
    shade: color => color,
  };
}

function faint(color: string): string {
  return `color-mix(in srgb, ${color} 55%, transparent)`;
}

const BASELINE_STYLE: SlotStyle = {
  token: "--vscode-descriptionForeground",
  dash: [1, 0],
  shade: faint,
};

/** What is planned has the colour of its line, faintly. */
function plannedStyle(token: string): SlotStyle {
  return { token, dash: [3, 3], shade: faint };
}

/** Slot of what is planned for the first of a chart's own lines: after the baseline's. */
export const PLANNED_SLOT = COMPARED_SLOT + BASELINE + 1;

/** Looks of the compared runs, of the baseline, and of what is planned for the chart's own lines. */
export const OTHERS: readonly SlotStyle[] = [
  ...Array.from({ length: MOST_COMPARED }, (_, i) => comparedStyle(i)),
  BASELINE_STYLE,
  ...SERIES_TOKENS.map(plannedStyle),
];

/**
 * Dashes by slot as a canvas takes them. A line without
 * gaps has none: cut into a dash for each pixel, it took most of a redraw's time.
 */
export const SLOT_DASHES = [...DASHES, ...OTHERS.map(({ dash }) => dash)].map(dash =>
  dash[1] === 0 ? [] : dash,
);
