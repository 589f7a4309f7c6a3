/** Pictures of the loss around the place at which a loop is held, on the batch of its last step. */

/**
 * `line`: along the last update; of a model with one parameter, its curve. `plane`: over the plane of
 * the last updates; of a model with two parameters, its surface. `random`: over two random directions,
 * each filter as long as the weights it stands for (Li et al. 2018).
 */
export const PICTURE_VIEWS = ["line", "plane", "random"] as const;

export type PictureView = (typeof PICTURE_VIEWS)[number];

/** A place on the way of the parameters, behind step `step`; 0 is where they began. */
export interface PathPoint {
  readonly step: number;
  readonly x: number;
  readonly y: number;
}

/** The loss over one number: x is the share of the update that is taken, or the one parameter. */
export interface LinePicture {
  /** Name of the parameter, where there is only one. */
  readonly parameter?: string;
  /** In ascending order, among them where ½, 1 and 2 times the update lead, and −1 times. */
  readonly xs: Float64Array;
  readonly losses: Float64Array;
  /** x and loss where the update began, and where it led. */
  readonly from: number;
  readonly fromLoss: number;
  readonly to: number;
  readonly toLoss: number;
  /** Derivative of the loss by x where the update began. */
  readonly slope: number;
  /** η of the first parameter group in the step. */
  readonly lr: number;
}

/** The loss over two numbers. */
export interface SurfacePicture {
  /** What x and y are. */
  readonly names: readonly [string, string];
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  /** Row by row: `losses[j * xs.length + i]` is at xs[i], ys[j]. */
  readonly losses: Float64Array;
}

/** A picture as far as it is drawn. */
export interface Picture {
  readonly view: PictureView;
  /** Step behind which the loop is held. */
  readonly step: number;
  /** Losses computed so far, and in all. */
  readonly done: number;
  readonly total: number;
  /** Why there is none. */
  readonly problem?: string;
  readonly line?: LinePicture;
  readonly surface?: SurfacePicture;
  /** The way there, oldest first: of a line its y is NaN. The last place is that of now. */
  readonly path: readonly PathPoint[];
}

/** The loss that the tangent has where the update led. */
export function predictedLoss({ fromLoss, slope, from, to }: LinePicture): number {
  return fromLoss + slope * (to - from);
}

/** Where a share of the update leads, and the loss there; NaN where that was not computed. */
export function placeOf(
  { xs, losses, from, to }: LinePicture,
  share: number,
): { readonly x: number; readonly loss: number } {
  const x = from + share * (to - from);
  return { x, loss: losses[xs.indexOf(x)] ?? Number.NaN };
}

/** Shares of the update that are looked at beside itself, by their names: times the learning rate. */
export const OTHER_SHARES: readonly { readonly share: number; readonly label: string }[] = [
  { share: -1, label: "−η" },
  { share: 0.5, label: "½η" },
  { share: 2, label: "2η" },
];

/** A line in words. @param format of numbers. */
export function describeLine(
  line: LinePicture,
  step: number,
  format: (value: number) => string,
): string {
  const { fromLoss, toLoss, lr } = line;
  const rate = Number.isFinite(lr) ? ` at η ${format(lr)}` : "";
  const others = OTHER_SHARES.map(({ share, label }) => {
    return `${label} ${format(placeOf(line, share).loss)}`;
  });
  return (
    `Step ${step} began at loss ${format(fromLoss)}. Its tangent predicts ` +
    `${format(predictedLoss(line))}${rate}; ${format(toLoss)} is reached. ` +
    `Instead of η: ${others.join(", ")}.`
  );
}
