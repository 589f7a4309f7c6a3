/**
 * Where in a tensor a kernel looks: WGSL expressions for the index along each dimension, or for the
 * row-major index of all of them, whichever is at hand; the other one is derived when asked for.
 * Views only change coordinates, so they cost no kernel and no copy.
 */
import type { Shape } from "../tensor/shape.ts";
import { contiguousStrides, numel } from "../tensor/shape.ts";
import type { View } from "./op.ts";

/** Gives a name to an expression in the kernel's body and returns the name. */
export type Bind = (expression: string) => string;

export class Coords {
  readonly shape: Shape;
  readonly #bind: Bind;
  #linear: string | undefined;
  #axes: string[] | undefined;

  private constructor(bind: Bind, shape: Shape, linear?: string, axes?: string[]) {
    this.#bind = bind;
    this.shape = shape;
    this.#linear = linear;
    this.#axes = axes;
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
    this.#axes ??= this.#split(this.#linear ?? "0u");
    return this.#axes;
  }

  /** Coordinates in the input of a view, for these coordinates in its output. */
  through(view: View, input: Shape): Coords {
    switch (view.kind) {
      case "reshape":
        return Coords.fromLinear(this.#bind, input, this.linear);
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
      case "slice": {
        const axes = this.axes.map((axis, d) => {
          const start = view.starts[d] ?? 0;
          const step = view.steps[d] ?? 1;
          if (step === 1) return start === 0 ? axis : `(${axis} + ${start}u)`;
          if (step > 0) return `(${axis} * ${step}u + ${start}u)`;
          return `(${start}u - ${axis} * ${-step}u)`;
        });
        return Coords.fromAxes(this.#bind, input, axes);
      }
    }
  }

  /** Coordinates in the output of a reshape or permutation, for these coordinates in its input. */
  outOf(view: View, output: Shape): Coords {
    if (view.kind === "permute") {
      const axes = view.dims.map(dim => this.axes[dim] ?? "0u");
      return Coords.fromAxes(this.#bind, output, axes);
    }
    return Coords.fromLinear(this.#bind, output, this.linear);
  }

  /** The same place, but for dimension `dim`, in a tensor of shape `input`. */
  replaceAxis(dim: number, index: string, input: Shape): Coords {
    return Coords.fromAxes(
      this.#bind,
      input,
      this.axes.map((axis, d) => (d === dim ? index : axis)),
    );
  }

  #split(linear: string): string[] {
    const strides = contiguousStrides(this.shape);
    let outermost = true;
    return this.shape.map((size, d) => {
      if (size === 1) return "0u";
      const stride = strides[d] ?? 1;
      const quotient = stride === 1 ? linear : `(${linear} / ${stride}u)`;
      const axis = outermost ? quotient : `(${quotient} % ${size}u)`;
      outermost = false;
      return axis === linear ? axis : this.#bind(axis);
    });
  }
}
