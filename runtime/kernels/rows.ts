/**
 * Several kernels over the same rows as one: a thread works on a row, and does for it what each of
 * the kernels does, one after the other. Between them a thread reads only what it has written itself,
 * which needs no barrier. LayerNorm, softmax and cross-entropy are one dispatch that way.
 */
import { numel } from "../tensor/shape.ts";
import type { KernelBuilder, LinearBody } from "./builder.ts";
import { Coords } from "./coords.ts";
import type { KernelSpec } from "./generate.ts";
import { reduction } from "./reduce.ts";

/** How many rows, and how many elements each has. */
export interface Rows {
  readonly count: number;
  readonly length: number;
}

/** A kernel made of others. Each stores an element a row, or all elements of the rows. */
export interface RowsSpec {
  readonly rows: Rows;
  readonly members: readonly KernelSpec[];
  /** Roots whose values nobody else reads: one element a row of these stays in registers. */
  readonly local: ReadonlySet<number>;
}

/** What the thread of row `i` does. */
export function rowsBody(builder: KernelBuilder, spec: RowsSpec): LinearBody {
  const text = builder.scope(() => {
    spec.members.forEach((member, m) => {
      addMember(builder, spec, member, m);
    });
  });
  const label = spec.members.map(({ root, core }) => builder.label(core ?? root)).join(" ");
  return { label, count: spec.rows.count, text };
}

/** Names are those of places in the kernel, not on the tape: equal kernels have equal texts. */
function addMember(
  builder: KernelBuilder,
  spec: RowsSpec,
  { root, core }: KernelSpec,
  m: number,
): void {
  const { shape } = builder.entry(root).op;
  builder.compute(root);
  if (core !== undefined) addReduction(builder, core, `total${m}`);
  if (numel(shape) === spec.rows.count) {
    const name = `row${m}`;
    builder.line(
      `let ${name} = ${builder.value(root, Coords.fromLinear(builder.bind, shape, "i"))};`,
    );
    builder.know(root, name);
    if (!spec.local.has(root)) builder.store(root, Coords.fromLinear(builder.bind, shape, "i"));
    return;
  }
  const body = builder.scope(() => {
    const at = builder.bind(`i * ${spec.rows.length}u + j`);
    builder.store(root, Coords.fromLinear(builder.bind, shape, at));
  });
  builder.line(`for (var j = 0u; j < ${spec.rows.length}u; j++) {\n${body}\n}`);
}

/** Leaves the reduction of row i in a variable of the row. */
function addReduction(builder: KernelBuilder, core: number, name: string): void {
  const loop = builder.scope(() => reduction(builder, core));
  builder.line(`var ${name}: ${builder.type(core)};\n{\n${loop}\n${name} = total;\n}`);
  builder.know(core, name);
}
