/**
 * The row of each tensor, by a workgroup of its own: folds what the threads of the update have seen, and adds
 * the percentiles p5, p50, p95 of effective learning rate and step size. It counts the values in bins of 1/64
 * octave (their exponent and the first six bits of their mantissa), so that an order statistic is known to
 * 1/64 = 1.6 %, and interpolates as `torch.quantile` does. The bins span 48 octaves below the largest value,
 * whatever its scale. What they hold by octave, where one looks first for an order statistic, is left as the
 * histogram of the step sizes.
 */
import {
  type ArenaSize,
  arenaBindings,
  guardsBinding,
  hyperParameters,
  partialsBinding,
  type UpdateRule,
} from "./optimizer.ts";
import {
  EXACT_SIZE,
  foldFunctions,
  foldThreads,
  HISTOGRAM_WORDS,
  OCTAVES,
  ROW,
  ROW_WORDS,
  SAMPLE_SIZE,
} from "./statistics.ts";

const SUBDIVISION_BITS = 6;
const BINS_OF_OCTAVE = 1 << SUBDIVISION_BITS;
/** 12 KiB, of the 16 that WebGPU grants. */
const BINS = OCTAVES << SUBDIVISION_BITS;
/** Bits of a float that are below the resolution of a bin. */
const DROPPED_BITS = 23 - SUBDIVISION_BITS;
const SAMPLE_VECTORS = SAMPLE_SIZE / 4;
const SAMPLE_BITS = Math.log2(SAMPLE_VECTORS);
const PERCENTS = [5, 50, 95];

/** The effective learning rate r and the step size s of an element, in the order of their words in a row. */
const QUANTITIES = ["rates", "sizes"] as const;

export type Quantity = (typeof QUANTITIES)[number];

/** What is counted of a rule: an effective learning rate that is η for all elements is not. */
export function quantitiesOf(rule: UpdateRule): readonly Quantity[] {
  return rule.adaptive ? QUANTITIES : ["sizes"];
}

/** Bytes of workgroup memory for so many quantities at once. */
export function quantileBytes(quantities: number): number {
  return quantities * (BINS + OCTAVES) * 4;
}

/** Elements of a tensor behind its percentiles. */
export function sampleCount(elements: number): number {
  return elements <= EXACT_SIZE ? elements : SAMPLE_SIZE;
}

/** What of a statistics kernel is asked for. */
export interface StatisticsParts {
  /** Whether it folds what the update has left: the first kernel of a step does. */
  readonly folds: boolean;
  /** Consecutive ones of `quantitiesOf(rule)`: all at once cost one look at the state. */
  readonly quantities: readonly Quantity[];
  /** Threads of a workgroup: a power of two from 4 to 256; few on software adapters. */
  readonly threads: number;
  readonly guarded: boolean;
}

/**
 * WGSL of the row of each tensor, to run after the update. Bindings: scalars; layout, θ, g, the
 * state, rows; partials if it folds; guards where there are some. Dispatch a workgroup a tensor.
 */
export function statisticsKernel(
  rule: UpdateRule,
  size: ArenaSize,
  { folds, quantities, threads, guarded }: StatisticsParts,
): string {
  const arrays = ["theta", "grads", ...rule.state];
  const next = arrays.length + 3;
  const histograms = size.tensors * ROW_WORDS;
  const begin = QUANTITIES.indexOf(quantities[0] ?? "sizes");
  const count = quantities.length;
  return /* wgsl */ `
${arenaBindings(size, arrays)}
@group(0) @binding(${arrays.length + 2}) var<storage, read_write> rows: array<u32>;
${folds ? partialsBinding(next) + foldFunctions(foldThreads(threads, BINS * count), threads) : ""}
${guarded ? guardsBinding(folds ? next + 1 : next, size.tensors) : ""}

var<workgroup> bins: array<atomic<u32>, ${BINS * count}>;
var<workgroup> octaves: array<u32, ${OCTAVES * count}>;

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32) {
  let tensor = workgroup.x;
  ${folds ? "fold(tensor, thread);" : ""}
  // Uniform, unlike a guard. What is computed for a step that was skipped is not read.
  if (hyper(tensor, 0u) == 0.0) { return; }
  ${hyperParameters(rule, guarded)}
  let first = places[tensor].z;
  let elements = places[tensor].w;

  // The device is told not to clear workgroup memory: that costs SwiftShader seconds to compile.
  for (var i = thread; i < ${OCTAVES * count}u; i += ${threads}u) {
    if (isEmpty(tensor, i)) { continue; }
    for (var j = 0u; j < ${BINS_OF_OCTAVE}u; j++) { atomicStore(&bins[i * ${BINS_OF_OCTAVE}u + j], 0u); }
  }
  workgroupBarrier();
  ${quantities.map((name, k) => `let ${name}Spread = spreadOf(tensor, ${k}u);`).join("\n  ")}
  let isExact = elements <= ${EXACT_SIZE}u;
  let vectors = select(${SAMPLE_VECTORS}u, (elements + 3u) / 4u, isExact);
  for (var i = thread; i < vectors; i += ${threads}u) {
    let vector = select(place(i, elements / 4u), i, isExact);
    let at = first / 4u + vector;
    ${rule.quantities}
    let inside = vec4u(vector * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(elements);
    let ones = select(vec4u(0u), vec4u(1u), inside);
    ${quantities.map((name, k) => `count(${name}, ${name}Spread, ${k}u, ones);`).join("\n    ")}
  }
  workgroupBarrier();

  for (var i = thread; i < ${OCTAVES * count}u; i += ${threads}u) {
    var inside = 0u;
    for (var j = select(0u, ${BINS_OF_OCTAVE}u, isEmpty(tensor, i)); j < ${BINS_OF_OCTAVE}u; j++) {
      inside += atomicLoad(&bins[i * ${BINS_OF_OCTAVE}u + j]);
    }
    octaves[i] = inside;
    ${quantities.includes("sizes") ? leaveHistogram(histograms, (count - 1) * OCTAVES) : ""}
  }
  workgroupBarrier();

  let samples = select(${SAMPLE_SIZE}u, elements, isExact);
  for (var i = thread; i < ${PERCENTS.length * count}u; i += ${threads}u) {
    let quantity = i / ${PERCENTS.length}u;
    let spread = spreadOf(tensor, quantity);
    let rank = f32(samples - 1u) * percent(i % ${PERCENTS.length}u) / 100.0;
    let low = orderStatistic(u32(rank), spread, quantity);
    let high = orderStatistic(min(u32(rank) + 1u, samples - 1u), spread, quantity);
    let word = ${ROW.rateP5 + PERCENTS.length * begin}u + i;
    rows[tensor * ${ROW_WORDS}u + word] = bitcast<u32>(mix(low, high, fract(rank)));
  }
}

struct Spread {
  least: f32,
  largest: f32,
  // The biased exponent of the highest octave, the bits of a value in the lowest bin, dropped ones aside,
  // and the first octave that is not empty. Values are computed anew: the least may have been rounded up.
  top: i32,
  base: i32,
  lowest: i32,
}

fn spreadOf(tensor: u32, quantity: u32) -> Spread {
  let word = tensor * ${ROW_WORDS}u + ${ROW.rateMin + 2 * begin}u + 2u * quantity;
  let least = rows[word];
  let largest = rows[word + 1u];
  let top = i32(min(largest >> 23u, 254u));
  let base = ((top + 1) << ${SUBDIVISION_BITS}u) - ${BINS};
  let lowest = clamp(i32(least >> 23u) - 1 - (top - ${OCTAVES - 1}), 0, ${OCTAVES - 1});
  return Spread(bitcast<f32>(least), bitcast<f32>(largest), top, base, lowest);
}

// Whether there is nothing in octave i of those of all quantities.
fn isEmpty(tensor: u32, i: u32) -> bool {
  return i32(i % ${OCTAVES}u) < spreadOf(tensor, i / ${OCTAVES}u).lowest;
}

fn count(values: vec4f, spread: Spread, quantity: u32, ones: vec4u) {
  let bits = vec4i(bitcast<vec4u>(values) >> vec4u(${DROPPED_BITS}u)) - vec4i(spread.base);
  let lowest = vec4i(spread.lowest * ${BINS_OF_OCTAVE});
  let bin = vec4u(clamp(bits, lowest, vec4i(${BINS - 1}))) + vec4u(quantity * ${BINS}u);
  atomicAdd(&bins[bin.x], ones.x);
  atomicAdd(&bins[bin.y], ones.y);
  atomicAdd(&bins[bin.z], ones.z);
  atomicAdd(&bins[bin.w], ones.w);
}

// The value of this rank, from 0, as far as its bin tells.
fn orderStatistic(rank: u32, spread: Spread, quantity: u32) -> f32 {
  var left = rank;
  var octave = u32(spread.lowest);
  while (octave < ${OCTAVES - 1}u && left >= octaves[quantity * ${OCTAVES}u + octave]) {
    left -= octaves[quantity * ${OCTAVES}u + octave];
    octave++;
  }
  var bin = octave * ${BINS_OF_OCTAVE}u;
  var inside = atomicLoad(&bins[quantity * ${BINS}u + bin]);
  while (bin < ${BINS - 1}u && left >= inside) {
    left -= inside;
    bin++;
    inside = atomicLoad(&bins[quantity * ${BINS}u + bin]);
  }
  // The lowest bin has all that is below: zeros, above all.
  let bits = i32(bin) + spread.base;
  if (bin == 0u || bits < 0) { return spread.least; }
  let low = bitcast<f32>(u32(bits) << ${DROPPED_BITS}u);
  let high = bitcast<f32>(u32(bits + 1) << ${DROPPED_BITS}u);
  return clamp(mix(low, high, (f32(left) + 0.5) / f32(inside)), spread.least, spread.largest);
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

/** Leaves octave i as a word of the tensor's histogram if it is one of the step sizes', which begin at `from`. */
function leaveHistogram(histograms: number, from: number): string {
  return /* wgsl */ `
    if (i >= ${from}u) {
      let histogram = ${histograms}u + tensor * ${HISTOGRAM_WORDS}u;
      rows[histogram + 1u + i - ${from}u] = inside;
      if (i == ${from}u) {
        rows[histogram] = u32(spreadOf(tensor, ${from / OCTAVES}u).top - ${OCTAVES - 1});
      }
    }`;
}
