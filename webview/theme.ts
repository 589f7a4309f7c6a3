import type { Config } from "vega";
import { COMPARED_SLOT, OTHERS, SERIES_TOKENS } from "./slots.ts";

/** Colours and fonts of the page as VS Code has set them, resolved for a canvas. */
export interface Theme {
  readonly background: string;
  readonly foreground: string;
  readonly muted: string;
  readonly error: string;
  /** Colours by slot (slots.ts); the first is that of a single line. */
  readonly series: readonly string[];
  readonly fontFamily: string;
  readonly highContrast: boolean;
  /** Its background is darker than what stands on it. */
  readonly dark: boolean;
}

/** Shows the colour and dash of a slot before an element; of none, nothing. */
export function markSlot(target: HTMLElement, slot: number | undefined): void {
  if (target.dataset.slot === slot?.toString()) return;
  const style = slot === undefined ? undefined : OTHERS[slot - COMPARED_SLOT];
  const on = style?.dash[0] ?? 0;
  const properties = {
    "--series": style?.shade(`var(${style.token})`),
    "--on": style && `${on}px`,
    "--period": style && `${on + (style.dash[1] ?? 0)}px`,
  };
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) target.style.removeProperty(name);
    else target.style.setProperty(name, value);
  }
  if (slot === undefined) delete target.dataset.slot;
  else target.dataset.slot = String(slot);
}

/** Reads the theme from the page's tokens. */
export function readTheme(): Theme {
  const style = getComputedStyle(document.body);
  const token = (name: string, otherwise: string) =>
    style.getPropertyValue(name).trim() || otherwise;
  const foreground = token("--vscode-foreground", style.color);
  return {
    background: token("--vscode-editor-background", "white"),
    foreground,
    muted: token("--vscode-descriptionForeground", foreground),
    error: token("--vscode-charts-red", token("--vscode-errorForeground", foreground)),
    series: [
      ...SERIES_TOKENS.map(name => token(name, foreground)),
      ...OTHERS.map(style => style.shade(token(style.token, foreground))),
    ],
    fontFamily: token("--vscode-font-family", "sans-serif"),
    highContrast: /vscode-high-contrast/.test(document.body.className),
    dark: !/light/.test(document.body.className),
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
