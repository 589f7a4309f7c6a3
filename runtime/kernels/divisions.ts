/**
 * How results of matrix products are divided among threads. All ways add the products of an element in the same
 * order, so that a result has the same bits whichever is chosen: only its time depends on it.
 */
import { gpu } from "../gpu/device.ts";
import { readCache, writeCache } from "../gpu/diskCache.ts";
import { numel } from "../tensor/shape.ts";
import type { KernelEntry } from "./builder.ts";

/** Rows and columns of a result. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
}

/** A thread by itself, or each of a quad of them, computes a tile of the result. */
export interface Division extends Tile {
  readonly by: "thread" | "quad";
}

/** [batches, m, k] × [batches, k, n], and which factors lie in memory by columns. */
export interface Product {
  readonly batches: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposed: readonly [boolean, boolean];
}

/** A software adapter's lanes are quads, and exchange what they have in registers for nearly nothing. */
const hasQuads = gpu.adapter.software && gpu.device.features.has("subgroups");

/**
 * Where each thread has a tile of its own: eight rows take two thirds of the time of four on a software
 * adapter, sixteen no less.
 */
export const BY_THREADS: readonly Division[] = [
  { by: "thread", rows: 8, columns: 4 },
  { by: "thread", rows: 8, columns: 8 },
  { by: "thread", rows: 4, columns: 8 },
  { by: "thread", rows: 4, columns: 4 },
];

/**
 * Of a row: a software adapter loads the row's element for every thread as dearly as one of the matrix, and takes
 * half of the time where a thread has four times as many columns for it; a GPU wants many threads.
 */
export const OF_ROWS: readonly Division[] = (gpu.adapter.software ? [16, 4] : [4, 16, 8]).map(
  columns => ({ by: "thread", rows: 1, columns }),
);

/** Columns of a row from which on all four lanes of a software adapter have sixteen. */
const WIDE_ROW = 64;

/** Where quads share what they load. */
export const BY_QUADS: readonly Division[] = [
  { by: "quad", rows: 4, columns: 4 },
  { by: "quad", rows: 8, columns: 4 },
  { by: "quad", rows: 2, columns: 4 },
];

/** Whether quads compute a result of m × n; of a vector each of their lanes would have the same row. */
export function usesQuads(m: number, n: number): boolean {
  return hasQuads && m > 1 && n > 1;
}

/** The ways that are worth a try, first that of an adapter of which nothing is known. */
export function divisionsFor({ m, n }: Product): readonly Division[] {
  if (m === 1 && n >= WIDE_ROW) return OF_ROWS;
  return usesQuads(m, n) ? BY_QUADS : BY_THREADS;
}

/** Products of a class are divided alike: sizes up to the next power of two. */
export function productClass({ batches, m, k, n, transposed }: Product): string {
  const sizes = [batches, m, k, n].map(size => 2 ** Math.ceil(Math.log2(size)));
  return `${sizes.join(" ")} ${transposed.map(is => (is ? "T" : "N")).join("")}`;
}

/** The product that an operation of the tape computes. */
export function productAt(entry: (index: number) => KernelEntry, core: number): Product {
  const { op, inputs } = entry(core);
  const [left = -1, right = -1] = inputs;
  const [m = 1, n = 1] = op.shape.slice(-2);
  return {
    batches: Math.max(1, numel(op.shape.slice(0, -2))),
    m,
    k: entry(left).op.shape.at(-1) ?? 1,
    n,
    transposed: [isTransposed(entry, left), isTransposed(entry, right)],
  };
}

function isTransposed(entry: (index: number) => KernelEntry, factor: number): boolean {
  for (let at = entry(factor); at.op.kind === "view"; at = entry(at.inputs[0] ?? -1)) {
    const { view } = at.op;
    if (view.kind === "permute" && view.dims.at(-1) !== view.dims.length - 1) return true;
  }
  return false;
}

/** Name in the cache of what was quickest, by class. */
const NAME = "divisions of matrix products";

let quickest: Map<string, string> | undefined;

/** How a product is divided: as was quickest here, once that is known. */
export function divisionOf(product: Product): Division {
  const ways = divisionsFor(product);
  const known = quickestHere().get(productClass(product));
  const way = ways.find(way => formatDivision(way) === known) ?? ways[0];
  if (!way) throw new Error("Invariant violation: a product that cannot be divided");
  return way;
}

/** Whether it was found out how products of this class are divided best. */
export function isTimed(product: Product): boolean {
  return quickestHere().has(productClass(product));
}

/** Keeps what was quickest, for this process and later ones. */
export function keepQuickest(product: Product, division: Division): void {
  quickestHere().set(productClass(product), formatDivision(division));
  writeCache(NAME, Object.fromEntries(quickestHere()));
}

function quickestHere(): Map<string, string> {
  quickest ??= new Map(Object.entries(readCache(NAME) ?? {}));
  return quickest;
}

/** For a person to read. */
export function formatDivision({ by, rows, columns }: Division): string {
  return `${rows} × ${columns} a ${by === "quad" ? "lane of a quad" : "thread"}`;
}
