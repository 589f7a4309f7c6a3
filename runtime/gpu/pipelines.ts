/** Compiled kernels, kept by their source: Dawn itself needs 2 ms to find that it knows one. */
import { counters, gpu } from "./device.ts";

/** What a kernel is compiled from: its entry point is `main`, its layout that of `bindGroupLayout`. */
export interface KernelSource {
  readonly code: string;
  /** Storage buffers that it binds. */
  readonly storages: number;
  readonly label: string;
}

const pipelines = new Map<string, GPUComputePipeline>();
const requested = new Map<string, KernelSource>();
const layouts = new Map<number, GPUBindGroupLayout>();
const pipelineLayouts = new Map<number, GPUPipelineLayout>();

/**
 * Layout of every kernel: scalars (uniform) at binding 0, then `storages` storage buffers. All are
 * `read_write`, because WebGPU refuses one buffer bound for reading and for writing in a dispatch
 * even where the ranges are disjoint, and an arena is one buffer.
 */
export function bindGroupLayout(storages: number): GPUBindGroupLayout {
  let layout = layouts.get(storages);
  if (!layout) {
    const entries: GPUBindGroupLayoutEntry[] = [
      { binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "uniform" } },
    ];
    for (let i = 1; i <= storages; i++) {
      entries.push({ binding: i, visibility: GPUShaderStage.COMPUTE, buffer: { type: "storage" } });
    }
    layout = gpu.device.createBindGroupLayout({ entries });
    layouts.set(storages, layout);
  }
  return layout;
}

/** The pipeline of a kernel. */
export function computePipeline(source: KernelSource): GPUComputePipeline {
  const { code } = source;
  if (!requested.has(code)) requested.set(code, source);
  let pipeline = pipelines.get(code);
  if (!pipeline) {
    const start = performance.now();
    pipeline = gpu.device.createComputePipeline(descriptor(source));
    counters.compileMs += performance.now() - start;
    pipelines.set(code, pipeline);
    counters.pipelines++;
  }
  return pipeline;
}

/**
 * Compiles a kernel on one of Dawn's threads, before it is needed.
 * @returns undefined if it does not compile.
 */
export async function prepareKernel(source: KernelSource): Promise<GPUComputePipeline | undefined> {
  const known = pipelines.get(source.code);
  if (known) return known;
  const { device } = gpu;
  device.pushErrorScope("validation");
  const compiling = device.createComputePipelineAsync(descriptor(source));
  const made = Promise.all([compiling, device.popErrorScope()]);
  const [pipeline, error] = await made.catch(() => []);
  if (!pipeline || error) return undefined;
  if (pipelines.has(source.code)) return pipelines.get(source.code);
  pipelines.set(source.code, pipeline);
  counters.pipelines++;
  return pipeline;
}

/** The kernels that were needed so far, in their order. */
export function requestedKernels(): readonly KernelSource[] {
  return [...requested.values()];
}

function descriptor({ code, storages, label }: KernelSource): GPUComputePipelineDescriptor {
  let layout = pipelineLayouts.get(storages);
  if (!layout) {
    layout = gpu.device.createPipelineLayout({ bindGroupLayouts: [bindGroupLayout(storages)] });
    pipelineLayouts.set(storages, layout);
  }
  return { layout, label, compute: { module: gpu.device.createShaderModule({ code, label }) } };
}
