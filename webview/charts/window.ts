import { nearestRow, type Positions, partOf, shareOf, wholeDomain } from "../data/axis.ts";
import type { RunSeries } from "../data/runSeries.ts";
import type { Range, ScaleKind } from "../data/scale.ts";
import type { ViewState } from "../viewState.ts";
import type { Window } from "./model.ts";

/** What all charts show of the x axis: all of it, a part that was chosen, or as wide a part at its end. */
export function windowOf(series: RunSeries, { x, xScale, zoom, follows }: ViewState): Window {
  const positions = series.positions(x);
  const whole = wholeDomain(positions, x, xScale);
  const window = { kind: x, scale: xScale, positions };
  if (!zoom) return { ...window, domain: whole };
  return { ...window, domain: follows ? atEnd(zoom, whole[1], xScale) : zoom };
}

/** The domain moved so that it ends there, as wide as it is seen. */
function atEnd([low, high]: Range, end: number, scale: ScaleKind): Range {
  return scale === "log" ? [(low * end) / high, end] : [low + end - high, end];
}

/** A part moved into the whole, as wide as it is seen; undefined if it is as wide as that. */
export function within(part: Range, whole: Range, scale: ScaleKind): Range | undefined {
  const [from, to] = [shareOf(part[0], whole, scale), shareOf(part[1], whole, scale)];
  if (to - from >= 1) return undefined;
  const shift = from < 0 ? -from : Math.min(0, 1 - to);
  return partOf(whole, from + shift, to + shift, scale);
}

/** A zoom's domain on another axis: from and to the same steps. */
export function translated(zoom: Range, from: Positions, to: Positions): Range | undefined {
  const [low, high] = zoom.map(x => to.at(nearestRow(from, x)));
  return low !== undefined && high !== undefined && high > low ? [low, high] : undefined;
}
