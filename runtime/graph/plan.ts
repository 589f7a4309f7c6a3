/**
 * A compiled tape: kernels with their pipelines, places in the arena, and prebuilt bindings. Running
 * one costs a write of scalars and inputs, two microseconds a dispatch, and one command buffer.
 */
import { checkDevice, counters, createBuffer, destroyBuffer, gpu } from "../gpu/device.ts";
import { isTimingPasses, timedPass } from "../gpu/passTimes.ts";
import { bindGroupLayout } from "../gpu/pipelines.ts";
import type { Storage } from "../gpu/storage.ts";
import { isFloat } from "../kernels/op.ts";
import { allocate, arenaEpoch, openArena, stored } from "./arena.ts";
import type { PlannedKernel, ScalarWrite } from "./compile.ts";
import { compileTape } from "./compile.ts";
import type { Transfer } from "./layout.ts";
import { entryAt, nodeAt } from "./layout.ts";
import { ALIGNMENT } from "./memory.ts";
import type { TapeEntry } from "./node.ts";

/** Bind groups kept for storages that alternate (two models of the same shape). */
const BINDING_LIMIT = 16;

export class Plan {
  readonly kernels: readonly PlannedKernel[];
  /** Bytes of the arena that it needs. */
  readonly bytes: number;
  readonly #uploads: readonly Transfer[];
  readonly #copiesIn: readonly Transfer[];
  readonly #results: readonly Transfer[];
  /** Temporaries that are still there when the plan has run. */
  readonly #intact: readonly Transfer[];
  readonly #boundEntries: readonly number[];
  readonly #programs: readonly number[];
  readonly #scalarWrites: readonly ScalarWrite[];
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #floats: Float32Array;
  readonly #ints: Int32Array;
  readonly #scalarBuffer: GPUBuffer;
  readonly #bindGroups = new Map<string, readonly GPUBindGroup[]>();
  #groups: readonly GPUBindGroup[] = [];
  #groupIds: number[] = [];
  #groupArena: GPUBuffer | undefined;

  /**
   * @param entries the tape.
   * @param outputs indices of entries that are asked for.
   */
  constructor(entries: readonly TapeEntry[], outputs: readonly number[]) {
    const { kernels, programs, scalarWrites, scalarBytes, layout } = compileTape(entries, outputs);
    this.kernels = kernels;
    this.bytes = layout.bytes;
    this.#uploads = layout.transfers(entry => entry.op.kind === "host");
    this.#copiesIn = layout.transfers(entry => entry.op.kind === "leaf");
    this.#results = layout.results();
    this.#intact = layout.intact();
    this.#boundEntries = boundEntries(kernels);
    this.#programs = programs;
    this.#scalarWrites = scalarWrites;
    this.#words = new Uint32Array(Math.max(4, scalarBytes / 4));
    this.#floats = new Float32Array(this.#words.buffer);
    this.#ints = new Int32Array(this.#words.buffer);
    this.#scalarBuffer = createBuffer(
      this.#words.byteLength,
      GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      "scalars",
    );
  }

  /** Runs the plan for a tape of the structure that it was compiled from. */
  run(entries: readonly TapeEntry[]): void {
    checkDevice();
    const { device } = gpu;
    const { queue } = device;
    const arena = openArena(Math.max(this.bytes, ALIGNMENT));
    this.#bind(entries, arena);
    this.#writeScalars(entries);
    for (const { entry, offset, bytes } of this.#uploads) {
      const { host, dtype } = nodeAt(entries, entry);
      if (host && bytes > 0) {
        const data = stored(host, dtype);
        queue.writeBuffer(arena, offset, data.buffer as ArrayBuffer, data.byteOffset, bytes);
      }
    }

    const encoder = device.createCommandEncoder();
    for (const { entry, offset } of this.#copiesIn) {
      const { range } = storageAt(entries, entry);
      encoder.copyBufferToBuffer(range.buffer, range.offset, arena, offset, range.size);
    }
    if (this.kernels.length > 0) this.#encode(encoder);
    this.#copyResults(entries, encoder, arena);
    for (const i of this.#programs) entries[i]?.program?.encodeAfter?.(encoder);
    queue.submit([encoder.finish()]);
    counters.submits++;
    const epoch = arenaEpoch();
    for (const { entry, offset } of this.#intact) {
      const node = nodeAt(entries, entry);
      node.arenaOffset = offset;
      node.arenaEpoch = epoch;
    }
    for (const i of this.#programs) entries[i]?.program?.afterSubmit?.();
  }

  /** Frees what it holds; it does not run again. */
  free(): void {
    destroyBuffer(this.#scalarBuffer);
  }

  #encode(encoder: GPUCommandEncoder): void {
    // One pass for all, and a pass of its own for each phase where they are timed.
    let phase = this.kernels[0]?.phase ?? "forward";
    const isTimed = isTimingPasses();
    let pass = encoder.beginComputePass(isTimed ? timedPass(phase) : undefined);
    pass.pushDebugGroup(phase);
    for (let k = 0; k < this.kernels.length; k++) {
      const kernel = this.kernels[k];
      const group = this.#groups[k];
      if (!kernel || !group) continue;
      // GPU debuggers show the lines of the loop as groups.
      if (kernel.phase !== phase) {
        phase = kernel.phase;
        pass.popDebugGroup();
        if (isTimed) {
          pass.end();
          pass = encoder.beginComputePass(timedPass(phase));
        }
        pass.pushDebugGroup(phase);
      }
      pass.setPipeline(kernel.pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...kernel.workgroups);
    }
    pass.popDebugGroup();
    pass.end();
    counters.dispatches += this.kernels.length;
  }

  #copyResults(entries: readonly TapeEntry[], encoder: GPUCommandEncoder, arena: GPUBuffer): void {
    for (const { entry, offset, bytes } of this.#results) {
      const node = nodeAt(entries, entry);
      const storage = allocate(bytes);
      const { range } = storage;
      if (bytes > 0) {
        encoder.copyBufferToBuffer(arena, offset, range.buffer, range.offset, range.size);
      }
      node.realize(storage);
    }
  }

  #writeScalars(entries: readonly TapeEntry[]): void {
    for (const { entry, word } of this.#scalarWrites) {
      const { node, program, op } = entryAt(entries, entry);
      if (program) {
        this.#words.set(program.scalars, word);
        continue;
      }
      const target = isFloat(op.dtype) && op.kind !== "random" ? this.#floats : this.#ints;
      for (let i = 0; i < node.scalars.length; i++) target[word + i] = node.scalars[i] ?? 0;
    }
    gpu.device.queue.writeBuffer(this.#scalarBuffer, 0, this.#words);
  }

  /** Makes the bind groups current; in a steady loop they are, and this only compares. */
  #bind(entries: readonly TapeEntry[], arena: GPUBuffer): void {
    const same =
      this.#groupArena === arena &&
      this.#groups.length === this.kernels.length &&
      this.#boundEntries.every((index, i) => storageAt(entries, index).id === this.#groupIds[i]);
    if (same) return;
    if (this.#groupArena !== arena || this.#bindGroups.size >= BINDING_LIMIT) {
      this.#bindGroups.clear();
    }
    this.#groupArena = arena;
    this.#groupIds = this.#boundEntries.map(index => storageAt(entries, index).id);
    const key = this.#groupIds.join();
    let groups = this.#bindGroups.get(key);
    if (!groups) {
      groups = this.kernels.map(kernel => this.#bindGroup(kernel, entries, arena));
      this.#bindGroups.set(key, groups);
    }
    this.#groups = groups;
  }

  #bindGroup(kernel: PlannedKernel, entries: readonly TapeEntry[], arena: GPUBuffer): GPUBindGroup {
    counters.bindGroups++;
    const scalars = {
      buffer: this.#scalarBuffer,
      offset: kernel.scalarOffset,
      size: kernel.scalarBytes,
    };
    const storages = kernel.bindings.map(binding => {
      if (binding.kind === "range") return binding.range;
      if (binding.kind === "entry") return storageAt(entries, binding.index).range;
      return { buffer: arena, offset: binding.offset, size: binding.size };
    });
    return gpu.device.createBindGroup({
      label: kernel.label,
      layout: bindGroupLayout(kernel.bindings.length),
      entries: [scalars, ...storages].map(({ buffer, offset, size }, binding) => ({
        binding,
        resource: { buffer, offset, size },
      })),
    });
  }
}

/** Entries whose storage is bound to a kernel where it lies, each once. */
function boundEntries(kernels: readonly PlannedKernel[]): readonly number[] {
  const bindings = kernels.flatMap(kernel => kernel.bindings);
  return [...new Set(bindings.flatMap(b => (b.kind === "entry" ? [b.index] : [])))];
}

function storageAt(entries: readonly TapeEntry[], index: number): Storage {
  const { storage } = nodeAt(entries, index);
  if (!storage) throw new Error(`Invariant violation: entry ${index} has no storage`);
  return storage;
}
