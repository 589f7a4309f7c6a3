import { nearestRow, type Positions, wholeDomain } from "../data/axis.ts";
import type { RunSeries } from "../data/runSeries.ts";
import type { Range } from "../data/scale.ts";
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
function atEnd([low, high]: Range, end: number, scale: ViewState["xScale"]): Range {
  return scale === "log" ? [(low * end) / high, end] : [low + end - high, end];
}

/** A zoom's domain on another axis: from and to the same steps. */
export function translated(zoom: Range, from: Positions, to: Positions): Range | undefined {
  const [low, high] = zoom.map(x => to.at(nearestRow(from, x)));
  return low !== undefined && high !== undefined && high > low ? [low, high] : undefined;
}
