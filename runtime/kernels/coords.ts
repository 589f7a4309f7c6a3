/**
 * Where in a tensor a kernel looks: WGSL expressions for the index along each dimension, or for the
 * row-major index of all of them, whichever is at hand; the other one is derived when asked for.
 * Views only change coordinates, so they cost no kernel and no copy.
 */
import type { Shape } from "../tensor/shape.ts";
import { contiguousStrides, numel } from "../tensor/shape.ts";
import type { AffineView, View } from "./op.ts";

/** Gives a name to an expression in the kernel's body and returns the name. */
export type Bind = (expression: string) => string;

export class Coords {
  readonly shape: Shape;
  /** A condition, where not every place is one of an element: the value is 0 where it fails. */
  readonly inside: string | undefined;
  readonly #bind: Bind;
  #linear: string | undefined;
  #axes: string[] | undefined;
  /** The same place before a reshape, from which either index is derived when it is asked for. */
  #before: Coords | undefined;

  private constructor(
    bind: Bind,
    shape: Shape,
    linear?: string,
    axes?: string[],
    before?: Coords,
    inside?: string,
  ) {
    this.#bind = bind;
    this.shape = shape;
    this.#linear = linear;
    this.#axes = axes;
    this.#before = before;
    this.inside = inside;
  }

  /** From the row-major index: a name or literal. */
  static fromLinear(bind: Bind, shape: Shape, linear: string): Coords {
    return new Coords(bind, shape, linear);
  }

  /** From the indices along the dimensions. */
  static fromAxes(bind: Bind, shape: Shape, axes: string[]): Coords {
    return new Coords(bind, shape, undefined, axes);
  }

  /** The row-major index. */
  get linear(): string {
    if (this.#linear === undefined && this.#before) this.#linear = this.#before.linear;
    if (this.#linear === undefined) {
      const strides = contiguousStrides(this.shape);
      const terms = (this.#axes ?? []).flatMap((axis, d) => {
        if (this.shape[d] === 1 || axis === "0u") return [];
        return strides[d] === 1 ? [axis] : [`${axis} * ${strides[d]}u`];
      });
      const sum = terms.join(" + ") || "0u";
      this.#linear = terms.length > 1 || sum.includes("*") ? this.#bind(sum) : sum;
    }
    return this.#linear;
  }

  /** The index along each dimension. */
  get axes(): string[] {
    this.#axes ??= this.#regrouped() ?? split(this.#bind, this.shape, this.linear);
    return this.#axes;
  }

  /** Coordinates in the input of a view, for these coordinates in its output. */
  through(view: View, input: Shape): Coords {
    switch (view.kind) {
      case "reshape":
        return this.#reshaped(input);
      case "permute": {
        const axes = new Array<string>(input.length).fill("0u");
        view.dims.forEach((dim, d) => {
          axes[dim] = this.axes[d] ?? "0u";
        });
        return Coords.fromAxes(this.#bind, input, axes);
      }
      case "expand": {
        if (numel(input) === 1) return Coords.fromLinear(this.#bind, input, "0u");
        if (numel(input) === numel(this.shape)) {
          return Coords.fromLinear(this.#bind, input, this.linear);
        }
        const added = this.shape.length - input.length;
        const axes = input.map((size, d) => (size === 1 ? "0u" : (this.axes[d + added] ?? "0u")));
        return Coords.fromAxes(this.#bind, input, axes);
      }
      case "affine":
        return this.#throughAffine(view, input);
    }
  }

  /** Coordinates in the output of a reshape or permutation, for these coordinates in its input. */
  outOf(view: View, output: Shape): Coords {
    if (view.kind === "permute") {
      const axes = view.dims.map(dim => this.axes[dim] ?? "0u");
      return Coords.fromAxes(this.#bind, output, axes);
    }
    return this.#reshaped(output);
  }

  #reshaped(shape: Shape): Coords {
    return new Coords(this.#bind, shape, undefined, undefined, this);
  }

  /** The same place, but for dimension `dim`, in a tensor of shape `input`. */
  replaceAxis(dim: number, index: string, input: Shape): Coords {
    return Coords.fromAxes(
      this.#bind,
      input,
      this.axes.map((axis, d) => (d === dim ? index : axis)),
    );
  }

  /**
   * The index along each dimension, from those before a reshape where they are at hand: dimensions
   * that it merges or splits are computed from each other, the rest is taken as it is.
   */
  #regrouped(): string[] | undefined {
    const before = this.#before;
    if (!before || numel(this.shape) === 0) return undefined;
    const axes = before.#axes;
    if (!axes) return undefined;
    return reshapeGroups(before.shape, this.shape).flatMap(({ from, to }) => {
      const sizes = before.shape.slice(...from);
      const { linear } = Coords.fromAxes(this.#bind, sizes, axes.slice(...from));
      return split(this.#bind, this.shape.slice(...to), linear);
    });
  }

  #throughAffine(view: AffineView, input: Shape): Coords {
    const { dim, along, scale, slope, offset, divisor } = view;
    const size = input[dim] ?? 1;
    const terms = [
      { factor: scale, axis: dim },
      { factor: slope, axis: along },
    ].filter(({ factor, axis }) => factor !== 0 && (this.shape[axis] ?? 1) > 1);
    const reach = terms.map(({ factor, axis }) => factor * ((this.shape[axis] ?? 1) - 1));
    const lowest = reach.reduce((sum, end) => sum + Math.min(0, end), offset);
    const highest = reach.reduce((sum, end) => sum + Math.max(0, end), offset);

    const products = terms.map(({ factor, axis }) => ({
      sign: Math.sign(factor),
      text: product(this.axes[axis] ?? "0u", Math.abs(factor)),
    }));
    const summands = [...products, { sign: Math.sign(offset), text: `${Math.abs(offset)}u` }];
    // Numbers below 0 wrap around to large ones: one comparison finds both sides. Of constants WGSL
    // would not allow that.
    const numerator =
      terms.length > 0 ? this.#bind(signedSum(summands)) : this.#bind(`${offset >>> 0}u`);
    const conditions: string[] = [];
    if (lowest < 0 || highest >= size * divisor)
      conditions.push(`${numerator} < ${size * divisor}u`);
    if (divisor > 1) conditions.push(`${numerator} % ${divisor}u == 0u`);
    const quotient = divisor > 1 ? this.#bind(`${numerator} / ${divisor}u`) : numerator;
    const index = conditions.length > 0 ? this.#bind(`min(${quotient}, ${size - 1}u)`) : quotient;
    const axes = this.axes.with(dim, size === 1 ? "0u" : index);
    const inside = conditions.length > 0 ? this.#bind(conditions.join(" && ")) : undefined;
    return new Coords(this.#bind, input, undefined, axes, undefined, inside);
  }
}

/** The index along each dimension of a shape: differences of quotients, no division twice. */
function split(bind: Bind, shape: Shape, linear: string): string[] {
  // Of nothing no element is ever read, and WGSL refuses to divide by 0.
  if (numel(shape) === 0) return shape.map(() => "0u");
  const strides = contiguousStrides(shape);
  let outer: string | undefined;
  return shape.map((size, d) => {
    if (size === 1) return "0u";
    const stride = strides[d] ?? 1;
    const quotient = stride === 1 ? linear : bind(`${linear} / ${stride}u`);
    const axis = outer === undefined ? quotient : bind(`${quotient} - ${outer} * ${size}u`);
    outer = quotient;
    return axis;
  });
}

type Stretch = readonly [start: number, end: number];

/** The shortest stretches of dimensions that have as many elements before a reshape as after it. */
function reshapeGroups(before: Shape, after: Shape): { from: Stretch; to: Stretch }[] {
  const groups: { from: Stretch; to: Stretch }[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [from, to] = [i, j];
    let left = before[i++] ?? 1;
    let right = after[j++] ?? 1;
    while (left !== right) {
      if (left < right) left *= before[i++] ?? 1;
      else right *= after[j++] ?? 1;
    }
    groups.push({ from: [from, i], to: [to, j] });
  }
  return groups;
}

function product(axis: string, factor: number): string {
  return factor === 1 ? axis : `${axis} * ${factor}u`;
}

/** A sum of terms with signs, positive ones first; terms of sign 0 are left out. */
function signedSum(terms: readonly { readonly sign: number; readonly text: string }[]): string {
  const of = (sign: number) => terms.filter(term => term.sign === sign).map(({ text }) => text);
  return [of(1).join(" + ") || "0u", ...of(-1)].join(" - ");
}
