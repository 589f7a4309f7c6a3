/**
 * Matrix products: tiles of the result in registers, without workgroup memory, which software
 * adapters punish eightfold.
 */

import { gpu } from "../gpu/device.ts";
import { numel } from "../tensor/shape.ts";
import { type KernelBuilder, type KernelCode, MAX_WORKGROUPS } from "./builder.ts";
import { Coords } from "./coords.ts";
import { type Division, formatDivision, type Tile, usesQuads } from "./divisions.ts";

/** Products that are summed by themselves: serial sums in float32 lose digits with their length. */
const BLOCK = 32;

/** How the result is divided among threads. */
interface Tiling {
  readonly workgroupSize: readonly [number, number];
  /** Rows and columns of the result that a workgroup computes. */
  readonly rows: number;
  readonly columns: number;
  /** Statements that name the thread's place: `top` and `left` of its tile, and what `step` needs. */
  readonly place: readonly string[];
  /** Elements of the result that a thread computes. */
  readonly sums: number;
  /** WGSL: row and column of sum `s` in the result. */
  readonly row: string;
  readonly column: string;
  /** Lines that add the products at column and row `j` of the factors to `part0`, `part1`, … */
  step(j: string): void;
  /** Steps of a turn of the loop. */
  readonly unroll: number;
}

/** Loads element [row, column] of a factor. */
type Load = (row: string, column: string) => string;

/** The kernel of product `core`, whose result goes through element-wise operations to `root`, divided so. */
export function matmulKernel(
  builder: KernelBuilder,
  core: number,
  root: number,
  division: Division,
): KernelCode {
  const { op, inputs } = builder.entry(core);
  const [left = -1, right = -1] = inputs;
  const leftShape = builder.entry(left).op.shape;
  const rank = op.shape.length;
  const [m = 1, n = 1] = op.shape.slice(rank - 2);
  const k = leftShape[rank - 1] ?? 1;
  const batches = op.shape.slice(0, rank - 2);

  const batch = () => Coords.fromLinear(builder.bind, batches, "batch").axes;
  const load =
    (factor: number): Load =>
    (row, column) => {
      const { shape } = builder.entry(factor).op;
      return builder.value(factor, Coords.fromAxes(builder.bind, shape, [...batch(), row, column]));
    };
  const { by, ...tile } = division;
  const tiles = by === "quad" ? quadTiling : threadTiling;
  const tiling = tiles(builder, [m, n, k], tile, load(left), load(right));
  const { sums, unroll } = tiling;
  const steps = builder.scope(() => {
    for (const u of range(unroll)) tiling.step(u === 0 ? "j" : builder.bind(`j + ${u}u`));
  });
  const count = Math.max(1, numel(batches));
  const depth = Math.min(count, MAX_WORKGROUPS);
  // More batches than a grid may be deep are taken in turns.
  const [open, close] =
    count > depth
      ? [`for (var batch = wid.z; batch < ${count}u; batch += ${depth}u) {`, "}"]
      : ["let batch = wid.z;", ""];
  const main = [
    ...tiling.place,
    open,
    `var tile: array<f32, ${sums}>;`,
    `for (var block = 0u; block < ${k}u; block += ${BLOCK}u) {`,
    ...range(sums).map(s => `var part${s} = 0.0;`),
    `let end = min(block + ${BLOCK}u, ${k}u);`,
    `for (var j = block; j < end; j += ${unroll}u) {\n${steps}\n}`,
    ...range(sums).map(s => `tile[${s}] += part${s};`),
    "}",
    // A loop, not a call for each: adapters inline them, and compile as many times as long.
    `for (var s = 0u; s < ${sums}u; s++) {`,
    `put(batch, ${tiling.row}, ${tiling.column}, tile[s]);`,
    "}",
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
  const code = builder.finish(
    "matmul",
    main,
    tiling.workgroupSize,
    [Math.ceil(n / tiling.columns), Math.ceil(m / tiling.rows), depth],
    functions,
  );
  return { ...code, variant: formatDivision(division) };
}

/** Workgroups that keep all processors of a software adapter busy, threads that hide a GPU's latency. */
const [BUSY, SHORTEST_PART] = gpu.adapter.software ? [8, 2048] : [16_384, 512];

/**
 * In how many parts what is summed is best divided, for each to be a product of a batch: results that are
 * small, of factors that are long, are too few threads' work. The numbers depend on the parts, so that they
 * follow from sizes and kind of adapter alone, and are not what was quickest in one process.
 */
export function splitCount(batches: number, m: number, k: number, n: number): number {
  const ofSoftware = usesQuads(m, n) ? [16, 16] : [256, 256];
  const [rows = 1, columns = 1] = gpu.adapter.software ? ofSoftware : [8, 4];
  const workers = batches * Math.ceil(m / rows) * Math.ceil(n / columns);
  return Math.max(1, Math.min(Math.ceil(BUSY / workers), Math.floor(k / SHORTEST_PART)));
}

/** Threads of a workgroup where each has a tile of its own, and where the result is a row. */
const THREADS = 64;
const ROW_THREADS = gpu.adapter.software ? 16 : THREADS;

/** Sums of a thread up to which two steps at a turn compile in no time. */
const FEW_SUMS = 8;

/**
 * A thread computes a tile. Places out of range repeat the last row or column. The workgroup is as wide as the
 * result is flat.
 */
function threadTiling(
  builder: KernelBuilder,
  [m, n, k]: readonly [number, number, number],
  tile: Tile,
  left: Load,
  right: Load,
): Tiling {
  const [rows, columns] = [Math.min(tile.rows, m), Math.min(tile.columns, n)];
  const threads = m === 1 ? ROW_THREADS : THREADS;
  const tall = Math.ceil(n / columns) < 8 ? threads : 8;
  const down = Math.ceil(m / rows) < 8 ? 1 : tall;
  const across = threads / down;
  return {
    workgroupSize: [across, down],
    rows: down * rows,
    columns: across * columns,
    place: [
      `let top = gid.y * ${rows}u;`,
      `let left = gid.x * ${columns}u;`,
      `if (top >= ${m}u || left >= ${n}u) { return; }`,
      ...range(rows).map(r => `let row${r} = min(top + ${r}u, ${m - 1}u);`),
      ...range(columns).map(c => `let column${c} = min(left + ${c}u, ${n - 1}u);`),
    ],
    sums: rows * columns,
    row: `top + s / ${columns}u`,
    column: `left + s % ${columns}u`,
    step: j => {
      const a = range(rows).map(r => left(`row${r}`, j));
      const b = range(columns).map(c => right(j, `column${c}`));
      a.forEach((x, r) => {
        b.forEach((y, c) => {
          builder.line(`part${r * columns + c} += ${x} * ${y};`);
        });
      });
    },
    unroll: rows * columns <= FEW_SUMS && k % 2 === 0 ? 2 : 1,
  };
}

/**
 * Four threads, a quad, compute a tile four times as high and as wide as that of a lane. SwiftShader loads lane
 * by lane, which takes as long as ten multiplications of all lanes: each lane loads another row and another
 * column, and the rows go round the quad. Sum s of a lane is of the row that it has after exchange s mod 4.
 */
function quadTiling(
  builder: KernelBuilder,
  [m, n, k]: readonly [number, number, number],
  tile: Tile,
  left: Load,
  right: Load,
): Tiling {
  const rows = Math.min(tile.rows, Math.ceil(m / 4));
  const columns = Math.min(tile.columns, Math.ceil(n / 4));
  builder.enable("subgroups");
  return {
    workgroupSize: [4, 1],
    rows: 4 * rows,
    columns: 4 * columns,
    place: [
      "let lane = gid.x % 4u;",
      `let top = wid.y * ${4 * rows}u;`,
      `let left = wid.x * ${4 * columns}u + lane;`,
      ...range(rows).map(r => `let row${r} = min(top + ${4 * r}u + lane, ${m - 1}u);`),
      ...range(columns).map(c => `let column${c} = min(left + ${4 * c}u, ${n - 1}u);`),
    ],
    sums: 4 * rows * columns,
    row: `top + s / ${4 * columns}u * 4u + (lane ^ (s % 4u))`,
    column: `left + s % ${4 * columns}u / 4u * 4u`,
    step: j => {
      const b = range(columns).map(c => right(j, `column${c}`));
      for (const r of range(rows)) {
        const a = left(`row${r}`, j);
        const round = [
          a,
          ...["X", "Y", "Diagonal"].map(way => builder.bind(`quadSwap${way}(${a})`)),
        ];
        b.forEach((y, c) => {
          round.forEach((x, i) => {
            builder.line(`part${(r * columns + c) * 4 + i} += ${x} * ${y};`);
          });
        });
      }
    },
    // The sums of a loop are copied at each turn.
    unroll: k % 2 === 0 ? 2 : 1,
  };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
