import {
  type LinePicture,
  OTHER_SHARES,
  type PathPoint,
  placeOf,
  predictedLoss,
  type SurfacePicture,
} from "../../runtime/protocol/picture.ts";
import { rowAt } from "../data/axis.ts";
import { formatValue } from "../data/format.ts";
import type { RunSeries } from "../data/runSeries.ts";
import { type Range, type ScaleKind, withoutOutliers, yDomain } from "../data/scale.ts";

/** A place in the plot. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A place that has a name. */
export interface Mark extends Point {
  readonly label: string;
  readonly size: number;
  readonly filled: boolean;
  /** It is on the tangent. */
  readonly tangent: boolean;
}

/** What is drawn of the loss over one number. */
export interface LineModel {
  readonly curve: readonly Point[];
  readonly tangent: readonly Point[];
  readonly path: readonly Point[];
  readonly marks: readonly Mark[];
  readonly xDomain: Range;
  readonly yDomain: Range;
  readonly xTitle: string;
  readonly yTitle: string;
}

/** Places of the way that are drawn: the newest. */
const MOST_PLACES = 200;

const TANGENT_POINTS = 40;

/** @param series the losses of the way of a single parameter. */
export function lineModel(
  line: LinePicture,
  path: readonly PathPoint[],
  series: RunSeries,
  scale: ScaleKind,
): LineModel {
  const { from, to, parameter, xs, losses, fromLoss, toLoss } = line;
  const curve = Array.from(xs, (x, i) => ({ x, y: losses[i] ?? Number.NaN }));
  const predicted = predictedLoss(line);
  const walked = path.slice(-MOST_PLACES).map(({ step, x }) => ({ x, y: lossFrom(series, step) }));
  const last = walked.at(-1);
  const way = last ? [...walked.slice(0, -1), { x: last.x, y: toLoss }] : [];
  const drawable = (y: number) => Number.isFinite(y) && (scale === "linear" || y > 0);
  const seen = [fromLoss, toLoss, predicted].filter(drawable);
  const [low, high] = withoutOutliers(curve.map(({ y }) => y).filter(drawable), scale);
  const mark = (x: number, y: number, label: string, filled: boolean, tangent = false): Mark => {
    return { x, y, label, filled, tangent, size: filled ? 70 : 45 };
  };
  return {
    curve,
    tangent: tangentOf(line),
    path: way,
    marks: [
      ...OTHER_SHARES.map(({ share, label }) => {
        const { x, loss } = placeOf(line, share);
        return mark(x, loss, label, false);
      }),
      mark(from, fromLoss, "start", true),
      mark(to, predicted, "predicted", false, true),
      mark(to, toLoss, "η", true),
    ].filter(({ y }) => drawable(y)),
    xDomain: [xs[0] ?? 0, xs.at(-1) ?? 1],
    yDomain: yDomain(Math.min(low, ...seen), Math.max(high, ...seen), scale),
    xTitle: parameter ?? "share of the update",
    yTitle: "loss on the batch of the step",
  };
}

function tangentOf({ xs, from, fromLoss, slope }: LinePicture): Point[] {
  const [low, high] = [xs[0] ?? 0, xs.at(-1) ?? 0];
  return Array.from({ length: TANGENT_POINTS + 1 }, (_, i) => {
    const x = low + ((high - low) * i) / TANGENT_POINTS;
    return { x, y: fromLoss + slope * (x - from) };
  });
}

/** The loss that was measured at the parameters behind a step: that of the next one. */
function lossFrom(series: RunSeries, step: number): number {
  const row = rowAt(series.positions("step"), step + 1);
  const losses = series.step("loss");
  losses.look(row);
  return row < series.length ? losses.at(row) : Number.NaN;
}

/** What is drawn of the loss over two numbers. */
export interface SurfaceModel {
  /** As Vega's isocontour takes it: row by row from the lower left, all of them finite. */
  readonly grid: { readonly width: number; readonly height: number; readonly values: number[] };
  /** Losses of the contours, in ascending order. */
  readonly levels: readonly number[];
  readonly path: readonly Point[];
  readonly xDomain: Range;
  readonly yDomain: Range;
}

const LEVELS = 14;

/** Of a logarithmic scale: what is lower than this share of the greatest is as good as zero. */
const LEAST_SHARE = 1e-6;

export function surfaceModel(
  { xs, ys, losses }: SurfacePicture,
  path: readonly PathPoint[],
  scale: ScaleKind,
): SurfaceModel {
  const finite = losses.filter(Number.isFinite);
  const [least, most] = finite.reduce(
    ([low, high], loss) => [Math.min(low, loss), Math.max(high, loss)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  const low = scale === "log" ? Math.max(least, LEAST_SHARE * most) : least;
  const level = (share: number) =>
    scale === "log" ? low * (most / low) ** share : low + share * (most - low);
  return {
    grid: {
      width: xs.length,
      height: ys.length,
      values: Array.from(losses, loss => (Number.isFinite(loss) ? loss : most)),
    },
    levels: Array.from({ length: LEVELS }, (_, i) => level((i + 1) / (LEVELS + 1))),
    path: path.slice(-MOST_PLACES),
    xDomain: [xs[0] ?? 0, xs.at(-1) ?? 1],
    yDomain: [ys[0] ?? 0, ys.at(-1) ?? 1],
  };
}

/** The surface in words. */
export function describeSurface(
  { losses }: SurfacePicture,
  { levels }: SurfaceModel,
  { length }: readonly PathPoint[],
): string {
  const least = losses.reduce((low, loss) => Math.min(low, loss), Number.POSITIVE_INFINITY);
  const [first = Number.NaN] = levels;
  return (
    `Contours from ${formatValue(first)} to ${formatValue(levels.at(-1) ?? Number.NaN)}, the denser the ` +
    `higher; the lowest loss is ${formatValue(least)}. The line is the way here over ${length} places.`
  );
}
