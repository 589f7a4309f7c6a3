/**
 * The percentiles p5, p50, p95 of effective learning rate and step size: one workgroup for each
 * tensor and quantity counts the values in bins of 1/64 octave (their exponent and the first six
 * bits of their mantissa), so that an order statistic is known to 1/64 = 1.6 %, and interpolates as
 * `torch.quantile` does. The bins span 48 octaves below the largest value, whatever its scale. What they
 * hold by octave, where one looks first for an order statistic, is left as the histogram of the step sizes.
 */
import {
  type ArenaSize,
  arenaBindings,
  guardsBinding,
  hyperParameters,
  type UpdateRule,
} from "./optimizer.ts";
import { EXACT_SIZE, HISTOGRAM_WORDS, OCTAVES, ROW, ROW_WORDS, SAMPLE_SIZE } from "./statistics.ts";

const SUBDIVISION_BITS = 6;
const BINS_OF_OCTAVE = 1 << SUBDIVISION_BITS;
/** 12 KiB, of the 16 that WebGPU grants. */
const BINS = OCTAVES << SUBDIVISION_BITS;
/** Bits of a float that are below the resolution of a bin. */
const DROPPED_BITS = 23 - SUBDIVISION_BITS;
const SAMPLE_VECTORS = SAMPLE_SIZE / 4;
const SAMPLE_BITS = Math.log2(SAMPLE_VECTORS);
const PERCENTS = [5, 50, 95];

/** Quantities of a rule: an effective learning rate that is η for all elements is not counted. */
export function quantileCount(rule: UpdateRule): number {
  return rule.adaptive ? 2 : 1;
}

/** Elements of a tensor behind its percentiles. */
export function sampleCount(elements: number): number {
  return elements <= EXACT_SIZE ? elements : SAMPLE_SIZE;
}

/**
 * WGSL of the percentiles, to run after update and fold. Bindings: scalars; layout, θ, g, the
 * state, rows, guards where there are some. Dispatch workgroups [tensors, quantileCount(rule)].
 * @param threads of a workgroup: a power of two up to 256; few on software adapters.
 */
export function quantileKernel(
  rule: UpdateRule,
  size: ArenaSize,
  threads: number,
  guarded: boolean,
): string {
  const arrays = ["theta", "grads", ...rule.state];
  const histograms = size.tensors * ROW_WORDS;
  return /* wgsl */ `
${arenaBindings(size, arrays)}
@group(0) @binding(${arrays.length + 2}) var<storage, read_write> rows: array<u32>;
${guarded ? guardsBinding(arrays.length + 3, size.tensors) : ""}

var<workgroup> bins: array<atomic<u32>, ${BINS}>;
var<workgroup> octaves: array<u32, ${OCTAVES}>;

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32) {
  let tensor = workgroup.x;
  let which = workgroup.y + ${2 - quantileCount(rule)}u;
  // Uniform, unlike a guard. What is computed for a step that was skipped is not read.
  if (hyper(tensor, 0u) == 0.0) { return; }
  ${hyperParameters(rule, guarded)}
  let first = places[tensor].z;
  let elements = places[tensor].w;
  let row = tensor * ${ROW_WORDS}u;
  let least = bitcast<f32>(rows[row + ${ROW.rateMin}u + 2u * which]);
  let largest = bitcast<f32>(rows[row + ${ROW.rateMax}u + 2u * which]);
  let top = min(bitcast<u32>(largest) >> 23u, 254u);
  let base = i32((top + 1u) << ${SUBDIVISION_BITS}u) - ${BINS};

  // The device is told not to clear workgroup memory: that costs SwiftShader seconds to compile.
  for (var i = thread; i < ${BINS}u; i += ${threads}u) { atomicStore(&bins[i], 0u); }
  workgroupBarrier();
  let isExact = elements <= ${EXACT_SIZE}u;
  let vectors = select(${SAMPLE_VECTORS}u, (elements + 3u) / 4u, isExact);
  for (var i = thread; i < vectors; i += ${threads}u) {
    let vector = select(place(i, elements / 4u), i, isExact);
    let at = first / 4u + vector;
    ${rule.quantity}
    let octaves = vec4i(bitcast<vec4u>(quantity) >> vec4u(${DROPPED_BITS}u)) - vec4i(base);
    let bin = clamp(octaves, vec4i(0), vec4i(${BINS - 1}));
    let inside = min(4u, elements - vector * 4u);
    atomicAdd(&bins[bin.x], 1u);
    if (inside > 1u) { atomicAdd(&bins[bin.y], 1u); }
    if (inside > 2u) { atomicAdd(&bins[bin.z], 1u); }
    if (inside > 3u) { atomicAdd(&bins[bin.w], 1u); }
  }
  workgroupBarrier();

  for (var i = thread; i < ${OCTAVES}u; i += ${threads}u) {
    var inside = 0u;
    for (var j = 0u; j < ${BINS_OF_OCTAVE}u; j++) {
      inside += atomicLoad(&bins[i * ${BINS_OF_OCTAVE}u + j]);
    }
    octaves[i] = inside;
    if (which == 1u) {
      let histogram = ${histograms}u + tensor * ${HISTOGRAM_WORDS}u;
      rows[histogram + 1u + i] = inside;
      if (i == 0u) { rows[histogram] = u32(i32(top) - ${OCTAVES - 1}); }
    }
  }
  workgroupBarrier();

  let samples = select(${SAMPLE_SIZE}u, elements, isExact);
  if (thread < ${PERCENTS.length}u) {
    let rank = f32(samples - 1u) * percent(thread) / 100.0;
    let low = orderStatistic(u32(rank), base, least, largest);
    let high = orderStatistic(min(u32(rank) + 1u, samples - 1u), base, least, largest);
    rows[row + ${ROW.rateP5}u + 3u * which + thread] = bitcast<u32>(mix(low, high, fract(rank)));
  }
}

// The value of this rank, from 0, as far as its bin tells.
fn orderStatistic(rank: u32, base: i32, least: f32, largest: f32) -> f32 {
  var left = rank;
  var octave = 0u;
  while (octave < ${OCTAVES - 1}u && left >= octaves[octave]) {
    left -= octaves[octave];
    octave++;
  }
  var bin = octave * ${BINS_OF_OCTAVE}u;
  var inside = atomicLoad(&bins[bin]);
  while (bin < ${BINS - 1}u && left >= inside) {
    left -= inside;
    bin++;
    inside = atomicLoad(&bins[bin]);
  }
  // The lowest bin has all that is below: zeros, above all.
  let bits = i32(bin) + base;
  if (bin == 0u || bits < 0) { return least; }
  let low = bitcast<f32>(u32(bits) << ${DROPPED_BITS}u);
  let high = bitcast<f32>(u32(bits + 1) << ${DROPPED_BITS}u);
  return clamp(mix(low, high, (f32(left) + 0.5) / f32(inside)), least, largest);
}

fn percent(k: u32) -> f32 { return array<f32, 3>(${PERCENTS.map(p => `${p}.0`).join(", ")})[k]; }

// Vector behind vector i of the sample: one at a fixed random place of each stratum.
fn place(i: u32, vectors: u32) -> u32 {
  let start = stratum(i, vectors);
  let length = stratum(i + 1u, vectors) - start;
  return start + (((scramble(i) >> 16u) * length) >> 16u);
}

// vectors · i / ${SAMPLE_VECTORS} without overflow
fn stratum(i: u32, vectors: u32) -> u32 {
  return i * (vectors >> ${SAMPLE_BITS}u) + ((i * (vectors & ${SAMPLE_VECTORS - 1}u)) >> ${SAMPLE_BITS}u);
}

// A hash with full avalanche (lowbias32 by Chris Wellons).
fn scramble(i: u32) -> u32 {
  var x = i ^ (i >> 16u);
  x *= 0x7feb352du;
  x ^= x >> 15u;
  x *= 0x846ca68bu;
  return x ^ (x >> 16u);
}
`;
}
