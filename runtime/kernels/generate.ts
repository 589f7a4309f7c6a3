/** Chooses the kernel of a specification: rows, a loop for a reduction or product, else a map. */
import { numel } from "../tensor/shape.ts";
import { attentionKernel } from "./attention.ts";
import type { KernelCode, KernelEntry } from "./builder.ts";
import { KernelBuilder, linearGrid, WORKGROUP_SIZE } from "./builder.ts";
import { Coords } from "./coords.ts";
import { matmulKernel } from "./matmul.ts";
import { reduceKernel } from "./reduce.ts";
import { type RowsSpec, rowsKernel } from "./rows.ts";

/** A kernel to be written. */
export interface KernelSpec {
  /** Index of the entry whose value is stored; `assign` entries store into their target. */
  readonly root: number;
  /** Index of the reduction or matrix product, if there is one. */
  readonly core: number | undefined;
}

/** Writes the kernel of a specification. */
export function generateKernel(
  spec: KernelSpec | RowsSpec,
  entries: readonly KernelEntry[],
  stored: readonly boolean[],
): KernelCode {
  const builder = new KernelBuilder(entries, stored);
  if ("rows" in spec) return rowsKernel(builder, spec);
  builder.compute(spec.root);
  const core = spec.core === undefined ? undefined : builder.entry(spec.core).op.kind;
  if (spec.core !== undefined && core === "matmul")
    return matmulKernel(builder, spec.core, spec.root);
  if (spec.core !== undefined && core === "attention") return attentionKernel(builder, spec.core);
  if (spec.core !== undefined) return reduceKernel(builder, spec.core, spec.root);
  return mapKernel(builder, spec.root);
}

function mapKernel(builder: KernelBuilder, root: number): KernelCode {
  const { op } = builder.entry(root);
  const count = numel(op.shape);
  const { workgroups, index } = linearGrid(count);
  const body = builder.scope(() =>
    builder.store(root, Coords.fromLinear(builder.bind, op.shape, "i")),
  );
  const main = `let i = ${index};\nif (i >= ${count}u) { return; }\n${body}`;
  return builder.finish(builder.label(root), main, [WORKGROUP_SIZE], workgroups);
}
