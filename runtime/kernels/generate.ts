/** Chooses the kernel for a scheduled root: a loop for a reduction or product, else a map. */
import { numel } from "../tensor/shape.ts";
import type { KernelCode, KernelEntry } from "./builder.ts";
import { KernelBuilder, linearGrid, WORKGROUP_SIZE } from "./builder.ts";
import { Coords } from "./coords.ts";
import { matmulKernel } from "./matmul.ts";
import { reduceKernel } from "./reduce.ts";

/** A kernel to be written. */
export interface KernelSpec {
  /** Index of the entry whose value is stored; `assign` entries store into their target. */
  readonly root: number;
  /** Index of the reduction or matrix product, if there is one. */
  readonly core: number | undefined;
}

/** Writes the kernel of a specification. */
export function generateKernel(
  spec: KernelSpec,
  entries: readonly KernelEntry[],
  stored: readonly boolean[],
): KernelCode {
  // The root is in memory for everyone else: here it is computed.
  const builder = new KernelBuilder(entries, stored.with(spec.root, false));
  const core = spec.core === undefined ? undefined : builder.entry(spec.core).op.kind;
  if (spec.core !== undefined && core === "matmul")
    return matmulKernel(builder, spec.core, spec.root);
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
  const label = op.kind === "map" ? op.fn : op.kind;
  return builder.finish(label, main, [WORKGROUP_SIZE], workgroups);
}
