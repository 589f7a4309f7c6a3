/** Compiles a tape: schedule, kernels and their pipelines, places in the arena, blocks of scalars. */
import { counters, gpu, tooLarge } from "../gpu/device.ts";
import { computePipeline } from "../gpu/pipelines.ts";
import { SMALL_BYTES } from "../gpu/storage.ts";
import type { KernelCode } from "../kernels/builder.ts";
import { productAt } from "../kernels/divisions.ts";
import { generateKernel, type KernelSpec } from "../kernels/generate.ts";
import { opName } from "../kernels/op.ts";
import { timeProductLater } from "../kernels/productTiming.ts";
import { formatShape, numel } from "../tensor/shape.ts";
import { nodeBytes } from "./arena.ts";
import { debugGraph, debugPlan, debugSource } from "./debug.ts";
import { membersOf } from "./fuseRows.ts";
import { type Binding, entryAt, Layout } from "./layout.ts";
import { ALIGNMENT } from "./memory.ts";
import type { Phase, TapeEntry } from "./node.ts";
import { schedule } from "./schedule.ts";

/** One dispatch of a plan. */
export interface PlannedKernel {
  readonly label: string;
  readonly phase: Phase;
  /** For a person to read: which of several kernels for the same it is. */
  readonly variant?: string | undefined;
  readonly pipeline: GPUComputePipeline;
  readonly bindings: readonly Binding[];
  readonly workgroups: readonly [number, number, number];
  /** Block of the plan's scalars that it sees, in bytes. */
  readonly scalarOffset: number;
  readonly scalarBytes: number;
}

/** Numbers of an entry, or the words of a program, and the word at which they go. */
export interface ScalarWrite {
  readonly entry: number;
  readonly word: number;
}

/** What a plan is made of. */
export interface CompiledTape {
  readonly kernels: readonly PlannedKernel[];
  /** Entries that are programs, in order. */
  readonly programs: readonly number[];
  readonly scalarWrites: readonly ScalarWrite[];
  readonly scalarBytes: number;
  readonly layout: Layout;
}

/**
 * Compiles a tape.
 * @param entries the tape.
 * @param outputs indices of entries that are asked for.
 */
export function compileTape(
  entries: readonly TapeEntry[],
  outputs: readonly number[],
): CompiledTape {
  const maxReads = gpu.device.limits.maxStorageBuffersPerShaderStage - 1;
  const { kernels, stored, sinks } = schedule(entries, outputs, isSmallResult, maxReads);
  requireFits(entries, stored);
  const codes = kernels.map(kernel =>
    "program" in kernel ? undefined : generateKernel(kernel, entries, stored),
  );
  for (const { core } of kernels.flatMap(membersOf)) {
    if (core === undefined || entryAt(entries, core).op.kind !== "matmul") continue;
    timeProductLater(productAt(index => entryAt(entries, index), core));
  }
  debugGraph(entries, stored);
  const layout = new Layout(entries, stored, [...outputs, ...sinks]);
  codes.forEach((code, position) => {
    layout.use(code?.bindings ?? [], position);
  });
  layout.place(kernels.length);

  const compileMs = counters.compileMs;
  const compiler = new Compiler(entries, layout);
  kernels.forEach((kernel, position) => {
    const code = codes[position];
    if ("program" in kernel) compiler.addProgram(kernel.program);
    else if (code) compiler.addKernel(membersOf(kernel), code);
  });
  debugPlan(compiler.kernels, layout.bytes, counters.compileMs - compileMs);
  return compiler;
}

/** @throws RangeError that names the first value that is larger than a kernel can bind. */
function requireFits(entries: readonly TapeEntry[], stored: readonly boolean[]): void {
  const limit = "maxStorageBufferBindingSize";
  const most = gpu.device.limits[limit];
  entries.forEach(({ node, op }, i) => {
    const isInMemory = stored[i] || op.kind === "leaf" || op.kind === "host";
    const bytes = nodeBytes(node);
    if (!isInMemory || bytes <= most) return;
    const what =
      op.kind === "host" || op.kind === "leaf" ? "a tensor" : `the result of ${opName(op)}`;
    throw tooLarge(`${what}, ${formatShape(op.shape)},`, bytes, limit);
  });
}

/** Small results that nothing on the tape uses may still be read by the script: they are kept. */
function isSmallResult({ op, node }: TapeEntry): boolean {
  if (op.kind === "assign" || op.kind === "program" || op.kind === "leaf" || op.kind === "host") {
    return false;
  }
  return nodeBytes(node) <= SMALL_BYTES;
}

/** Turns scheduled kernels into dispatches. */
class Compiler implements CompiledTape {
  readonly kernels: PlannedKernel[] = [];
  readonly programs: number[] = [];
  readonly scalarWrites: ScalarWrite[] = [];
  readonly layout: Layout;
  scalarBytes = 0;
  readonly #entries: readonly TapeEntry[];

  constructor(entries: readonly TapeEntry[], layout: Layout) {
    this.#entries = entries;
    this.layout = layout;
  }

  addKernel(members: readonly KernelSpec[], code: KernelCode): void {
    const roots = members.map(({ root }) => entryAt(this.#entries, root));
    const phase = roots[0]?.phase;
    if (!phase || roots.every(({ op }) => numel(op.shape) === 0)) return;
    const { label, wgsl, workgroups, scalars, variant } = code;
    debugSource(code);
    const block = this.#addScalars(scalars.length);
    // An entry with several numbers stands there once for each: the first says where they begin.
    new Set(scalars).forEach(entry => {
      this.scalarWrites.push({ entry, word: block.scalarOffset / 4 + scalars.indexOf(entry) });
    });
    const pipeline = computePipeline({ code: wgsl, storages: code.bindings.length, label });
    const bindings = code.bindings.map(index => this.layout.binding(index));
    this.kernels.push({ label, variant, phase, pipeline, bindings, workgroups, ...block });
  }

  addProgram(index: number): void {
    const { phase, program } = entryAt(this.#entries, index);
    if (!program) throw new Error("Invariant violation: a program without kernels");
    this.programs.push(index);
    const block = this.#addScalars(program.scalars.length);
    this.scalarWrites.push({ entry: index, word: block.scalarOffset / 4 });
    for (const { label, wgsl, workgroups, ...dispatch } of program.dispatches()) {
      const pipeline = computePipeline({ code: wgsl, storages: dispatch.bindings.length, label });
      const bindings: Binding[] = dispatch.bindings.map(range => ({ kind: "range", range }));
      this.kernels.push({ label, phase, pipeline, bindings, workgroups, ...block });
    }
  }

  /** A block of the plan's scalars for `words` numbers. */
  #addScalars(words: number): Pick<PlannedKernel, "scalarOffset" | "scalarBytes"> {
    const scalarOffset = this.scalarBytes;
    this.scalarBytes += Math.max(1, Math.ceil((words * 4) / ALIGNMENT)) * ALIGNMENT;
    return { scalarOffset, scalarBytes: Math.max(16, Math.ceil(words / 4) * 16) };
  }
}
