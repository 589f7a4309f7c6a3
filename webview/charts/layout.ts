/** How the charts stand on the page. Charts are named by their ids, also those that a run does not have. */
export interface Layout {
  /** The order that was chosen; what it does not name comes after it. */
  readonly order: readonly string[];
  /** Charts that stand before all others. */
  readonly pinned: readonly string[];
  readonly hidden: readonly string[];
  /** Heights of plots that were chosen, in CSS pixels. */
  readonly heights: Readonly<Record<string, number>>;
  /** The chart that has the whole page. */
  readonly full: string | undefined;
}

export const DEFAULT_LAYOUT: Layout = {
  order: [],
  pinned: [],
  hidden: [],
  heights: {},
  full: undefined,
};

/** Heights of a plot, in CSS pixels: room for an axis, and a chart that still fits a screen. */
export const LEAST_HEIGHT = 100;
export const MOST_HEIGHT = 1200;

/** The charts in the order of the layout: those that are pinned, then the others. */
export function arranged(ids: readonly string[], { order, pinned }: Layout): readonly string[] {
  const rank = (id: string) => (order.includes(id) ? order.indexOf(id) : order.length);
  const isPinned = (id: string) => Number(pinned.includes(id));
  return ids.toSorted((a, b) => isPinned(b) - isPinned(a) || rank(a) - rank(b));
}

/** A chart of `ids` before another one of them, or after all. */
export function moved(
  layout: Layout,
  ids: readonly string[],
  id: string,
  before: string | undefined,
): Layout {
  const others = arranged(ids, layout).filter(other => other !== id);
  const at = before === undefined ? others.length : others.indexOf(before);
  const order = others.toSpliced(at < 0 ? others.length : at, 0, id);
  return { ...layout, order: [...order, ...layout.order.filter(known => !ids.includes(known))] };
}

/** A chart one place up or down among those that can be seen; the layout itself where there is none. */
export function shifted(layout: Layout, ids: readonly string[], id: string, by: -1 | 1): Layout {
  const shown = arranged(ids, layout).filter(other => !layout.hidden.includes(other));
  const neighbour = shown[shown.indexOf(id) + by];
  if (neighbour === undefined) return layout;
  // Down is the neighbour up.
  return by < 0 ? moved(layout, ids, id, neighbour) : moved(layout, ids, neighbour, id);
}

/** With a chart in one of its lists, or not. */
export function switched(layout: Layout, list: "pinned" | "hidden", id: string): Layout {
  const others = layout[list].filter(other => other !== id);
  return { ...layout, [list]: others.length < layout[list].length ? others : [...others, id] };
}

/** With the height of a plot. */
export function resized(layout: Layout, id: string, height: number): Layout {
  const fits = Math.round(Math.min(Math.max(height, LEAST_HEIGHT), MOST_HEIGHT));
  return { ...layout, heights: { ...layout.heights, [id]: fits } };
}
