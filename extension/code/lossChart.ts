import { formatLoss } from "../format.ts";
import { heights } from "./lossCurve.ts";

/** Colours of a drawing, as CSS. */
export interface ChartColors {
  readonly line: string;
  readonly text: string;
}

const WIDTH = 320;
const HEIGHT = 90;
const MARGIN = 4;

/**
 * A small line chart with its least and greatest value, as the address of an SVG image, which is all
 * that a hover can show. Values that are not finite leave a gap.
 */
export function chartAddress(values: readonly number[], colors: ChartColors): string {
  const finite = values.filter(Number.isFinite);
  const x = (i: number): number =>
    MARGIN + (i / Math.max(1, values.length - 1)) * (WIDTH - 2 * MARGIN);
  const y = (height: number): number => HEIGHT - MARGIN - height * (HEIGHT - 2 * MARGIN);
  let pen = "M";
  const path = heights(values).map((height, i) => {
    if (Number.isNaN(height)) {
      pen = "M";
      return "";
    }
    const point = `${pen}${x(i).toFixed(1)} ${y(height).toFixed(1)}`;
    pen = "L";
    return point;
  });
  const label = (value: number, bottom: number): string =>
    `<text x="${WIDTH - MARGIN}" y="${bottom}" text-anchor="end" font-family="sans-serif" ` +
    `font-size="10" fill="${colors.text}">${formatLoss(value)}</text>`;
  const labels =
    finite.length > 0
      ? label(Math.max(...finite), 10) + label(Math.min(...finite), HEIGHT - 8)
      : "";
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">` +
    `<path d="M${MARGIN} ${HEIGHT - 1}H${WIDTH - MARGIN}" stroke="${colors.text}" opacity="0.3"/>` +
    `<path d="${path.join("")}" fill="none" stroke="${colors.line}" stroke-width="1.5"/>` +
    `${labels}</svg>`;
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`;
}
