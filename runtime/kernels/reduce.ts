/** Reductions: a thread an output, serial over what is reduced. */

import { contiguousStrides, numel } from "../tensor/shape.ts";
import type { KernelBuilder, LinearBody } from "./builder.ts";
import { Coords } from "./coords.ts";
import type { WgslType } from "./elementwise.ts";
import type { ReduceFn } from "./op.ts";

/** Terms that are summed by themselves: serial sums in float32 lose digits with their length. */
export const SUM_BLOCK = 32;

const LOWEST: Record<WgslType, string> = {
  f32: "-3.4028234e38",
  i32: "-2147483648",
  u32: "0u",
  bool: "false",
};
const HIGHEST: Record<WgslType, string> = {
  f32: "3.4028234e38",
  i32: "2147483647",
  u32: "0xffffffffu",
  bool: "true",
};

/** Reduction `core`, whose result goes through element-wise operations to `root`. */
export function reduceBody(builder: KernelBuilder, core: number, root: number): LinearBody {
  const { shape } = builder.entry(core).op;
  builder.compute(root);
  const text = builder.scope(() => {
    reduction(builder, core);
    builder.setCore(core, "total");
    builder.store(root, Coords.fromLinear(builder.bind, shape, "i"));
  });
  return { label: builder.label(core), count: numel(shape), text };
}

/** Adds statements that leave element `i` of reduction `core` in `total`. */
export function reduction(builder: KernelBuilder, core: number): void {
  const { op, inputs } = builder.entry(core);
  if (op.kind !== "reduce") throw new Error(`Invariant violation: ${op.kind} is no reduction`);
  const [source = -1] = inputs;
  const { shape } = builder.entry(source).op;
  const length = op.dims.reduce((product, d) => product * (shape[d] ?? 1), 1);
  const inner = op.dims.map(d => shape[d] ?? 1);
  const outer = Coords.fromLinear(builder.bind, op.shape, "i").axes;
  const element = builder.scope(() => {
    const along = Coords.fromLinear(builder.bind, inner, "j").axes;
    const axes = shape.map((_, d) => {
      const at = op.dims.indexOf(d);
      return at < 0 ? (outer[d] ?? "0u") : (along[at] ?? "0u");
    });
    const at = isTrailing(op.dims, shape)
      ? Coords.fromLinear(builder.bind, shape, builder.bind(`i * ${length}u + j`))
      : Coords.fromAxes(builder.bind, shape, axes);
    builder.line(`let x = ${builder.value(source, at)};`);
  });
  builder.line(loop(op.fn, builder, source, core, length, element));
}

/** Whether exactly the last dimensions are reduced, so that each output reads one stretch. */
export function isTrailing(dims: readonly number[], shape: readonly number[]): boolean {
  const reduced = new Set(dims);
  const strides = contiguousStrides(shape);
  const first = shape.findIndex((_, d) => reduced.has(d));
  return first >= 0 && strides.length - first === dims.length;
}

/** Statements that leave the reduction of `element`'s x over j < length in `total`. */
function loop(
  fn: ReduceFn,
  builder: KernelBuilder,
  source: number,
  core: number,
  length: number,
  element: string,
): string {
  const type = builder.type(source);
  const each = (step: string) => `for (var j = 0u; j < ${length}u; j++) {\n${element}\n${step}\n}`;
  switch (fn) {
    case "sum":
    case "prod": {
      const [start, operator] = fn === "sum" ? ["0", "+"] : ["1", "*"];
      return [
        `var total = ${type}(${start});`,
        `for (var block = 0u; block < ${length}u; block += ${SUM_BLOCK}u) {`,
        `var part = ${type}(${start});`,
        `let end = min(block + ${SUM_BLOCK}u, ${length}u);`,
        `for (var j = block; j < end; j++) {\n${element}\npart = part ${operator} x;\n}`,
        `total = total ${operator} part;\n}`,
      ].join("\n");
    }
    case "max":
    case "min": {
      // Not from the lowest number on: -infinity lies below it.
      const better = extremum(fn, builder, type);
      return `var total = ${type}(0);\n${each(`total = select(${better}, x, j == 0u);`)}`;
    }
    case "argmax":
    case "argmin": {
      const operator = fn === "argmax" ? ">" : "<";
      // The first NaN wins, as in PyTorch.
      if (type === "f32") builder.use("isNan");
      const wins =
        type === "f32" ? `(x ${operator} best || isNan(x)) && !isNan(best)` : `x ${operator} best`;
      return [
        `var best = ${type}(${fn === "argmax" ? LOWEST[type] : HIGHEST[type]});`,
        `var total = ${builder.type(core)}(0);`,
        each(`if (j == 0u || (${wins})) { best = x; total = ${builder.type(core)}(j); }`),
      ].join("\n");
    }
    case "logsumexp":
      // Online (Milakov and Gimelshein 2018): one pass over the data.
      builder.use("logAccurate");
      builder.use("expNan");
      return [
        `var top = ${LOWEST.f32};\nvar mass = 0.0;`,
        each(
          "if (x > top) { mass = mass * expNan(top - x) + 1.0; top = x; }\n" +
            "else { mass += expNan(x - top); }",
        ),
        "let total = top + logAccurate(mass);",
      ].join("\n");
  }
}

function extremum(fn: "max" | "min", builder: KernelBuilder, type: WgslType): string {
  if (type !== "f32") return `${fn}(total, x)`;
  const helper = fn === "max" ? "maximumNan" : "minimumNan";
  builder.use(helper);
  return `${helper}(total, x)`;
}
