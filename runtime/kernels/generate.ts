/** Chooses the kernel of a specification: rows, a loop for a reduction or product, else a map. */
import { numel } from "../tensor/shape.ts";
import { attentionKernel } from "./attention.ts";
import type { KernelCode, KernelEntry } from "./builder.ts";
import { KernelBuilder, type LinearBody, linearGrid, WORKGROUP_SIZE } from "./builder.ts";
import { Coords } from "./coords.ts";
import { divisionOf, productAt } from "./divisions.ts";
import { matmulKernel } from "./matmul.ts";
import { reduceBody } from "./reduce.ts";
import { type RowsSpec, rowsBody } from "./rows.ts";

/** A kernel to be written. */
export interface KernelSpec {
  /** Index of the entry whose value is stored; `assign` entries store into their target. */
  readonly root: number;
  /** Index of the reduction or matrix product, if there is one. */
  readonly core: number | undefined;
}

/** Reductions that do not depend on each other, in one dispatch. */
export interface ParallelSpec {
  readonly parts: readonly KernelSpec[];
}

/** Writes the kernel of a specification. */
export function generateKernel(
  spec: KernelSpec | RowsSpec | ParallelSpec,
  entries: readonly KernelEntry[],
  stored: readonly boolean[],
): KernelCode {
  const builder = new KernelBuilder(entries, stored);
  if ("rows" in spec) return linearKernel(builder, [rowsBody(builder, spec)]);
  if ("parts" in spec)
    return linearKernel(
      builder,
      spec.parts.map(part => body(builder, part)),
    );
  builder.compute(spec.root);
  const core = spec.core === undefined ? undefined : builder.entry(spec.core).op.kind;
  if (spec.core !== undefined && core === "matmul") {
    const product = productAt(index => builder.entry(index), spec.core);
    return matmulKernel(builder, spec.core, spec.root, divisionOf(product));
  }
  if (spec.core !== undefined && core === "attention") return attentionKernel(builder, spec.core);
  return linearKernel(builder, [body(builder, spec)]);
}

function body(builder: KernelBuilder, { root, core }: KernelSpec): LinearBody {
  return core === undefined ? mapBody(builder, root) : reduceBody(builder, core, root);
}

function mapBody(builder: KernelBuilder, root: number): LinearBody {
  const { shape } = builder.entry(root).op;
  builder.compute(root);
  const text = builder.scope(() =>
    builder.store(root, Coords.fromLinear(builder.bind, shape, "i")),
  );
  return { label: builder.label(root), count: numel(shape), text };
}

/** A thread for each element, or row, of each body; the bodies are beside each other. */
function linearKernel(builder: KernelBuilder, bodies: readonly LinearBody[]): KernelCode {
  let end = 0;
  const branches = bodies.map(({ count, text }) => {
    const start = end;
    end += count;
    return `if (thread < ${end}u) {\nlet i = thread - ${start}u;\n${text}\n}`;
  });
  const { workgroups, index } = linearGrid(end);
  const main = `let thread = ${index};\n${branches.join(" else ")}`;
  const label = bodies.map(body => body.label).join(", ");
  return builder.finish(label, main, [WORKGROUP_SIZE], workgroups);
}
