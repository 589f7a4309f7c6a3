/** Reads values back to the host, in the order in which they were asked for. */
import { pumpEvents } from "./calm.ts";
import { checkDevice, createBuffer, destroyBuffer, gpu } from "./device.ts";
import type { BufferRange } from "./storage.ts";

const idle: GPUBuffer[] = [];
const IDLE_LIMIT = 8;

/** Longest that `readRangeNow` holds everything up. */
const NOW_MS = 2000;

/**
 * Copies a range as it is now and resolves with its bytes when the GPU has come that far.
 * @throws what the device reports if it was lost meanwhile.
 */
export async function readRange(range: BufferRange): Promise<ArrayBuffer> {
  const staging = copyToStaging(range);
  try {
    await staging.mapAsync(GPUMapMode.READ, 0, range.size);
  } catch (error) {
    checkDevice();
    throw error;
  }
  return takeBytes(staging, range.size);
}

/**
 * The same without a turn of the event loop, which stands still at a breakpoint.
 * @returns undefined if the GPU does not come that far in time.
 */
export function readRangeNow(range: BufferRange): ArrayBuffer | undefined {
  const staging = copyToStaging(range);
  // Whoever asked does not wait for it any more.
  staging.mapAsync(GPUMapMode.READ, 0, range.size).catch(() => {});
  const end = performance.now() + NOW_MS;
  while (staging.mapState === "pending" && performance.now() < end) pumpEvents();
  if (staging.mapState === "mapped") return takeBytes(staging, range.size);
  destroyBuffer(staging);
  return undefined;
}

function copyToStaging({ buffer, offset, size }: BufferRange): GPUBuffer {
  const staging = takeStaging(size);
  const encoder = gpu.device.createCommandEncoder({ label: "readback" });
  encoder.copyBufferToBuffer(buffer, offset, staging, 0, size);
  gpu.device.queue.submit([encoder.finish()]);
  return staging;
}

function takeBytes(staging: GPUBuffer, size: number): ArrayBuffer {
  const bytes = staging.getMappedRange(0, size).slice(0);
  staging.unmap();
  if (idle.length < IDLE_LIMIT) idle.push(staging);
  else destroyBuffer(staging);
  return bytes;
}

function takeStaging(size: number): GPUBuffer {
  const at = idle.findIndex(buffer => buffer.size >= size && buffer.size <= 4 * size + 1024);
  const [found] = at < 0 ? [] : idle.splice(at, 1);
  const rounded = 2 ** Math.ceil(Math.log2(Math.max(size, 256)));
  return (
    found ?? createBuffer(rounded, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST, "readback")
  );
}
