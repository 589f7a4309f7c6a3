import {
  commonDomain,
  nearestRow,
  type Positions,
  partOf,
  shareOf,
  wholeDomain,
  type XKind,
} from "../data/axis.ts";
import type { ComparedRun } from "../data/comparedRuns.ts";
import type { RunSeries } from "../data/runSeries.ts";
import type { Range, ScaleKind } from "../data/scale.ts";
import type { ViewState } from "../viewState.ts";
import type { Window } from "./model.ts";

/** Steps before and after the one to which one jumps. */
const AROUND = 100;

/**
 * What all charts show of the x axis: all of it, where compared runs are, too; a part that was chosen, or
 * as wide a part at the end of the run that is shown.
 */
export function windowOf(
  series: RunSeries,
  { x, xScale, zoom, follows }: ViewState,
  compared: readonly ComparedRun[] = [],
): Window {
  const positions = series.positions(x);
  const window = { kind: x, scale: xScale, positions };
  if (!zoom) return { ...window, domain: wholeOf(series, compared, x, xScale) };
  const end = wholeDomain(positions, x, xScale)[1];
  return { ...window, domain: follows ? atEnd(zoom, end, xScale) : zoom };
}

/** The domain that shows all of a run, and of those that are compared with it. */
export function wholeOf(
  series: RunSeries,
  compared: readonly ComparedRun[],
  x: XKind,
  scale: ScaleKind,
): Range {
  const others = compared.map(run => run.series.positions(x));
  return commonDomain([series.positions(x), ...others], x, scale);
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

/** The part of the x axis around a row; undefined, all of it, where there is not much more. */
export function around(series: RunSeries, x: XKind, row: number): Range | undefined {
  if (series.length <= 4 * AROUND) return undefined;
  const positions = series.positions(x);
  const low = positions.at(Math.max(0, row - AROUND));
  const high = positions.at(Math.min(series.length - 1, row + AROUND));
  return high > low ? [low, high] : undefined;
}
