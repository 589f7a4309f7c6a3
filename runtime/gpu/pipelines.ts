/** Compiled kernels, kept by their source: Dawn itself needs 2 ms to find that it knows one. */
import { counters, gpu } from "./device.ts";

const pipelines = new Map<string, GPUComputePipeline>();
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

/** The pipeline of a kernel with entry point `main` and the layout of `bindGroupLayout`. */
export function computePipeline(code: string, storages: number, label: string): GPUComputePipeline {
  let pipeline = pipelines.get(code);
  if (!pipeline) {
    let layout = pipelineLayouts.get(storages);
    if (!layout) {
      layout = gpu.device.createPipelineLayout({ bindGroupLayouts: [bindGroupLayout(storages)] });
      pipelineLayouts.set(storages, layout);
    }
    const module = gpu.device.createShaderModule({ code, label });
    pipeline = gpu.device.createComputePipeline({ layout, label, compute: { module } });
    pipelines.set(code, pipeline);
    counters.pipelines++;
  }
  return pipeline;
}
