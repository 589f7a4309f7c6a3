/**
 * The device of this process: opened when the engine is imported, so that everything after that can
 * be synchronous.
 */
import type { AdapterRecord } from "../protocol/run.ts";
import { ADAPTER_VARIABLE, findAdapter, loadDawn, noAdapterMessage } from "./adapter.ts";
import { calmEventPump } from "./calm.ts";

export interface Gpu {
  readonly device: GPUDevice;
  readonly adapter: AdapterRecord;
}

/** How many objects were made and calls issued since the start: what a steady loop must not do. */
export interface GpuCounters {
  pipelines: number;
  buffers: number;
  bindGroups: number;
  dispatches: number;
  submits: number;
  /** Bytes of the buffers that are alive. */
  bytes: number;
  /** Milliseconds in which the loop waited for kernels to be compiled. */
  compileMs: number;
}

export const counters: GpuCounters = {
  pipelines: 0,
  buffers: 0,
  bindGroups: 0,
  dispatches: 0,
  submits: 0,
  bytes: 0,
  compileMs: 0,
};

let failure: Error | undefined;

/** The opened device. Importing this module fails where there is no adapter. */
export const gpu: Gpu =
  process.env[ADAPTER_VARIABLE] === "none" ? await withoutGpu() : await openGpu();

/** Throws what went wrong on the device since the last call: lost, out of memory, a fault of ours. */
export function checkDevice(): void {
  if (failure) throw failure;
}

/**
 * Makes a buffer, counted.
 * @param bytes rounded up to a multiple of 4.
 * @throws RangeError if the adapter allows no buffer of that size.
 */
export function createBuffer(bytes: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
  const size = Math.max(4, Math.ceil(bytes / 4) * 4);
  const { maxBufferSize } = gpu.device.limits;
  if (size > maxBufferSize) throw tooLarge(label, size, "maxBufferSize");
  counters.buffers++;
  counters.bytes += size;
  return gpu.device.createBuffer({ size, usage, label });
}

/** The error for something that needs more bytes than a limit of the adapter allows. */
export function tooLarge(
  what: string,
  bytes: number,
  limit: "maxBufferSize" | "maxStorageBufferBindingSize",
): RangeError {
  return new RangeError(
    `${what} needs ${formatBytes(bytes)}, but ${gpu.adapter.description} allows buffers of at ` +
      `most ${formatBytes(gpu.device.limits[limit])} (${limit}). Use a smaller batch or model.`,
  );
}

/** Frees a buffer made by `createBuffer`. */
export function destroyBuffer(buffer: GPUBuffer): void {
  counters.bytes -= buffer.size;
  buffer.destroy();
}

/** Closes the device, which lets a process end at once. */
export function closeGpu(): void {
  gpu.device.destroy();
}

function formatBytes(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

async function openGpu(): Promise<Gpu> {
  calmEventPump();
  const { adapter, record, attempts } = await findAdapter();
  if (!adapter || !record) throw new Error(noAdapterMessage(attempts));
  const { limits, features } = adapter;
  const device = await adapter.requestDevice({
    label: "stepscope",
    requiredFeatures: (["subgroups", "timestamp-query", "shader-f16"] as const).filter(f =>
      features.has(f),
    ),
    // The defaults allow 128 MiB a binding: ask for what the adapter really has.
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
    },
  });
  device.onuncapturederror = ({ error }) => {
    failure ??= new Error(`The GPU refused a command: ${error.message}`);
  };
  void device.lost.then(({ reason, message }) => {
    if (reason !== "destroyed") {
      failure ??= new Error(
        `The GPU was lost (${message || reason}). The points measured so far are kept; start the ` +
          "run again, with a smaller batch or model if memory ran out.",
      );
    }
  });
  return { device, adapter: record };
}

/** For threads that only read data: tensors hold what the host has, and nothing can be computed. */
async function withoutGpu(): Promise<Gpu> {
  await loadDawn();
  return {
    adapter: { vendor: "", architecture: "", description: "no adapter", software: false },
    get device(): never {
      throw new Error(
        "This thread reads data and has no GPU: compute in the training loop, or with plain numbers.",
      );
    },
  };
}
