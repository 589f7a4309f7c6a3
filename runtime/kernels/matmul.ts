/**
 * Matrix products. A thread computes a tile of the result in registers, without workgroup memory:
 * software adapters punish barriers eightfold.
 */

import { numel } from "../tensor/shape.ts";
import { type KernelBuilder, type KernelCode, MAX_WORKGROUPS } from "./builder.ts";
import { Coords } from "./coords.ts";

/**
 * Rows and columns of the result that a thread computes, at most. On a software adapter a load costs
 * more than a multiplication: eight rows take two thirds of the time of four, sixteen no less.
 */
const ROWS = 8;
const COLUMNS = 4;
/** Threads of a workgroup along rows and columns. */
const THREADS = 8;
/** Products that are summed by themselves: serial sums in float32 lose digits with their length. */
const BLOCK = 32;

/** The kernel of product `core`, whose result goes through element-wise operations to `root`. */
export function matmulKernel(builder: KernelBuilder, core: number, root: number): KernelCode {
  const { op, inputs } = builder.entry(core);
  const [left = -1, right = -1] = inputs;
  const leftShape = builder.entry(left).op.shape;
  const rank = op.shape.length;
  const [m = 1, n = 1] = op.shape.slice(rank - 2);
  const k = leftShape[rank - 1] ?? 1;
  const batches = op.shape.slice(0, rank - 2);
  const rows = Math.min(ROWS, m);
  const columns = Math.min(COLUMNS, n);

  const batch = () => Coords.fromLinear(builder.bind, batches, "batch").axes;
  /** Loads element [row, column] of a factor; out of range it repeats the last one. */
  const load = (factor: number, row: string, column: string) => {
    const { shape } = builder.entry(factor).op;
    return builder.value(factor, Coords.fromAxes(builder.bind, shape, [...batch(), row, column]));
  };
  const range = (count: number) => Array.from({ length: count }, (_, i) => i);

  const vector = columns === 1 ? "f32" : `vec${columns}<f32>`;
  const step = builder.scope(() => {
    for (const r of range(rows)) builder.line(`let a${r} = ${load(left, `row${r}`, "j")};`);
    const row = range(columns).map(c => load(right, "j", `column${c}`));
    builder.line(`let w = ${vector}(${row.join(", ")});`);
    for (const r of range(rows)) builder.line(`part${r} += a${r} * w;`);
  });
  const count = Math.max(1, numel(batches));
  const depth = Math.min(count, MAX_WORKGROUPS);
  // More batches than a grid may be deep are taken in turns.
  const [open, close] =
    count > depth
      ? [`for (var batch = gid.z; batch < ${count}u; batch += ${depth}u) {`, "}"]
      : ["let batch = gid.z;", ""];
  const main = [
    `if (gid.y * ${rows}u >= ${m}u || gid.x * ${columns}u >= ${n}u) { return; }`,
    ...range(rows).map(r => `let row${r} = min(gid.y * ${rows}u + ${r}u, ${m - 1}u);`),
    ...range(columns).map(c => `let column${c} = min(gid.x * ${columns}u + ${c}u, ${n - 1}u);`),
    open,
    `var tile: array<${vector}, ${rows}>;`,
    `for (var block = 0u; block < ${k}u; block += ${BLOCK}u) {`,
    ...range(rows).map(r => `var part${r} = ${vector}();`),
    `let end = min(block + ${BLOCK}u, ${k}u);`,
    `for (var j = block; j < end; j++) {\n${step}\n}`,
    ...range(rows).map(r => `tile[${r}] += part${r};`),
    "}",
    // Loops, not a call for each: adapters inline them, and compile as many times as long.
    `for (var r = 0u; r < ${rows}u; r++) {`,
    `for (var c = 0u; c < ${columns}u; c++) {`,
    `put(batch, gid.y * ${rows}u + r, gid.x * ${columns}u + c, tile[r]${columns === 1 ? "" : "[c]"});`,
    "}\n}",
    close,
  ].join("\n");

  builder.setCore(core, "total");
  const put = builder.scope(() =>
    builder.store(root, Coords.fromAxes(builder.bind, op.shape, [...batch(), "row", "column"])),
  );
  const functions = [
    "fn put(batch: u32, row: u32, column: u32, total: f32) {",
    `if (row >= ${m}u || column >= ${n}u) { return; }`,
    put,
    "}",
  ].join("\n");
  return builder.finish(
    "matmul",
    main,
    [THREADS, THREADS],
    [Math.ceil(Math.ceil(n / columns) / THREADS), Math.ceil(Math.ceil(m / rows) / THREADS), depth],
    functions,
  );
}
