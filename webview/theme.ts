import type { Config } from "vega";

/** Colours and fonts of the page as VS Code has set them, resolved for a canvas. */
export interface Theme {
  readonly foreground: string;
  readonly muted: string;
  readonly error: string;
  /** Colours of the lines of a chart; the first is that of a single line. */
  readonly series: readonly string[];
  readonly fontFamily: string;
  readonly highContrast: boolean;
}

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
const SERIES_TOKENS = [
  "--vscode-charts-blue",
  "--vscode-charts-orange",
  "--vscode-charts-purple",
  "--vscode-charts-green",
  "--vscode-charts-red",
  "--vscode-charts-yellow",
  "--vscode-descriptionForeground",
];

/** Reads the theme from the page's tokens. */
export function readTheme(): Theme {
  const style = getComputedStyle(document.body);
  const token = (name: string, otherwise: string) =>
    style.getPropertyValue(name).trim() || otherwise;
  const foreground = token("--vscode-foreground", style.color);
  return {
    foreground,
    muted: token("--vscode-descriptionForeground", foreground),
    error: token("--vscode-charts-red", token("--vscode-errorForeground", foreground)),
    series: SERIES_TOKENS.map(name => token(name, foreground)),
    fontFamily: token("--vscode-font-family", "sans-serif"),
    highContrast: /vscode-high-contrast/.test(document.body.className),
  };
}

/** Calls back after the theme, or the number of device pixels a CSS pixel, has changed. */
export function onThemeChange(changed: () => void): void {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: ["class", "data-vscode-theme-id"],
  });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["style"] });
  const watchPixels = () => {
    const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    query.addEventListener(
      "change",
      () => {
        changed();
        watchPixels();
      },
      { once: true },
    );
  };
  watchPixels();
}

/** Vega's config of a theme: axes in the page's font, a grid that is hardly seen. */
export function vegaConfig(theme: Theme): Config {
  return {
    font: theme.fontFamily,
    style: { cell: { stroke: "transparent" } },
    axis: {
      domainColor: theme.foreground,
      domainOpacity: theme.highContrast ? 1 : 0.35,
      gridColor: theme.foreground,
      gridOpacity: theme.highContrast ? 0.3 : 0.12,
      labelColor: theme.muted,
      labelFont: theme.fontFamily,
      labelFontSize: 11,
      labelPadding: 6,
      tickColor: theme.foreground,
      tickOpacity: theme.highContrast ? 1 : 0.35,
      tickSize: 4,
      titleColor: theme.muted,
      titleFont: theme.fontFamily,
      titleFontSize: 11,
      titleFontWeight: "normal",
    },
  } as Config;
}
