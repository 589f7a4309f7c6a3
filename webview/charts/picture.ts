import { formatValue } from "../data/format.ts";
import { SLOT_DASHES } from "../slots.ts";
import type { Theme } from "../theme.ts";
import type { ColorScale } from "./model.ts";

/** A line of a legend. */
export interface LegendEntry {
  readonly label: string;
  readonly value: string;
  /** Number of the line's colour and dash; undefined for what has no line of its own. */
  readonly slot: number | undefined;
}

/** What a picture of a chart shows. Lengths are CSS pixels. */
export interface PictureContent {
  readonly title: string;
  /** What of: the tensor, where a chart has one. */
  readonly subject: string;
  readonly value: string;
  /** How much is drawn. */
  readonly count: string;
  readonly legend: readonly LegendEntry[];
  /** What its colours mean. */
  readonly colors: ColorScale | undefined;
  /** The drawing with its axes, an SVG document of this size. */
  readonly drawing: string;
  readonly width: number;
  readonly height: number;
}

/** A chart as a file: an SVG document of `width` × `height` CSS pixels. */
export interface Picture {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

const MARGIN = 12;
const FONT = 13;
const SMALL = 12;
const HEAD = 24;
const LEGEND_LINE = 18;
const SWATCH = 20;
const GAP = 14;
const COLORS = 96;

/** A PNG has so many pixels a CSS pixel: sharp on paper and on dense screens. */
const PNG_SCALE = 2;

/** The chart as it is shown, with title and legend, on the theme's opaque background. */
export function pictureOf(content: PictureContent, theme: Theme): Picture {
  const { title, subject, value, count, drawing } = content;
  const width = content.width + 2 * MARGIN;
  const measure = textMeasure(theme);
  const small = `font-size="${SMALL}"`;
  const titleEnd = MARGIN + measure(title, FONT, "600") + 10;
  const head = [
    textAt(MARGIN, MARGIN + FONT, title, `font-weight="600" fill="${theme.foreground}"`),
    textAt(
      titleEnd,
      MARGIN + FONT,
      [subject, value].filter(Boolean).join("   "),
      `fill="${theme.foreground}"`,
    ),
    textAt(
      width - MARGIN,
      MARGIN + FONT,
      count,
      `${small} text-anchor="end" fill="${theme.muted}"`,
    ),
  ];
  const legend = content.colors
    ? colorsOf(content.colors, theme, measure)
    : legendOf(content.legend, content.width, theme, measure);
  const top = MARGIN + HEAD + legend.height;
  const height = top + content.height + MARGIN;
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"`,
    ` viewBox="0 0 ${width} ${height}" font-family="${escaped(theme.fontFamily)}" font-size="${FONT}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="${escaped(theme.background)}"/>`,
    ...head,
    `<g transform="translate(${MARGIN},${MARGIN + HEAD})">${legend.svg}</g>`,
    `<g transform="translate(${MARGIN},${top})">${drawing}</g>`,
    "</svg>",
  ].join("");
  return { svg, width, height };
}

/**
 * The picture as PNG, two pixels a CSS pixel.
 *
 * @throws Error if the browser cannot draw it
 */
export async function pngOf({ svg, width, height }: Picture): Promise<Blob> {
  const image = new Image(width, height);
  // A data address: the page's policy lets nothing else in, and no blob.
  image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * PNG_SCALE);
  canvas.height = Math.round(height * PNG_SCALE);
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob(blob => (blob ? resolve(blob) : reject(new Error("The chart is too large")))),
  );
}

/** Entries side by side, on as many lines as they need. */
function legendOf(
  entries: readonly LegendEntry[],
  width: number,
  theme: Theme,
  measure: ReturnType<typeof textMeasure>,
): { readonly svg: string; readonly height: number } {
  let [x, line] = [0, 0];
  const parts: string[] = [];
  for (const { label, value, slot } of entries) {
    const start = slot === undefined ? 0 : SWATCH + 6;
    const labelWidth = measure(label, SMALL);
    const whole = start + labelWidth + 6 + measure(value, SMALL);
    if (x > 0 && x + whole > width) [x, line] = [0, line + 1];
    const y = line * LEGEND_LINE + SMALL;
    if (slot !== undefined) parts.push(swatchAt(x, y - 4, slot, theme));
    const size = `font-size="${SMALL}"`;
    parts.push(textAt(x + start, y, label, `${size} fill="${theme.muted}"`));
    parts.push(textAt(x + start + labelWidth + 6, y, value, `${size} fill="${theme.foreground}"`));
    x += whole + GAP;
  }
  return { svg: parts.join(""), height: entries.length > 0 ? (line + 1) * LEGEND_LINE + 4 : 0 };
}

/** The colours from the least to the greatest number, between these. */
function colorsOf(
  { stops, domain: [low, high], note }: ColorScale,
  theme: Theme,
  measure: ReturnType<typeof textMeasure>,
): { readonly svg: string; readonly height: number } {
  const [from, to] = [formatValue(low, 2), formatValue(high, 2)];
  const left = measure(from, SMALL) + 6;
  const text = (x: number, label: string) =>
    textAt(x, SMALL, label, `font-size="${SMALL}" fill="${theme.muted}"`);
  const right = left + COLORS + 6;
  const shades = stops.map(
    (color, i) => `<stop offset="${i / (stops.length - 1)}" stop-color="${escaped(color)}"/>`,
  );
  const svg =
    `<linearGradient id="colors">${shades.join("")}</linearGradient>` +
    `<rect x="${left}" y="2" width="${COLORS}" height="10" fill="url(#colors)"/>` +
    text(0, from) +
    text(right, to) +
    text(right + measure(to, SMALL) + GAP, note);
  return { svg, height: LEGEND_LINE + 4 };
}

function swatchAt(x: number, y: number, slot: number, { series }: Theme): string {
  const dash = (SLOT_DASHES[slot] ?? []).join(" ");
  const stroke = escaped(series[slot] ?? "");
  return (
    `<line x1="${x}" x2="${x + SWATCH}" y1="${y}" y2="${y}" stroke="${stroke}" ` +
    `stroke-width="2" stroke-dasharray="${dash}"/>`
  );
}

function textAt(x: number, y: number, text: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(text)}</text>`;
}

/** Widths of texts in CSS pixels, in the theme's font. */
function textMeasure({ fontFamily }: Theme) {
  const context = document.createElement("canvas").getContext("2d");
  return (text: string, size: number, weight = "normal"): number => {
    if (!context) return text.length * size * 0.6;
    context.font = `${weight} ${size}px ${fontFamily}`;
    return context.measureText(text).width;
  };
}

/** Text for a place in XML, or between its double quotes. */
function escaped(text: string): string {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`);
}
