/** Colours and dashes of lines, by slot: those of a chart's own lines, then those of compared runs. */
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

/** Colour and dash of a compared run: pairs that no line of a chart's own has. The first colour is its. */
function comparedStyle(index: number): {
  readonly token: string;
  readonly dash: readonly number[];
} {
  const colors = SERIES_TOKENS.length - 1;
  const color = 1 + (index % colors);
  const dash = (color + 1 + Math.floor(index / colors)) % DASHES.length;
  return { token: SERIES_TOKENS[color] ?? "", dash: DASHES[dash] ?? [1, 0] };
}

/** Token and dash of each compared run. */
export const COMPARED = Array.from({ length: MOST_COMPARED }, (_, i) => comparedStyle(i));

/** Dashes by slot, of the chart's own lines and of compared runs. */
export const SLOT_DASHES = [...DASHES, ...COMPARED.map(({ dash }) => dash)];
