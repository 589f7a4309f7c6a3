/**
 * What an optimizer step leaves to be read back: one row of 24 words a tensor. Every thread of an
 * update kernel writes the 16 words it has seen (no barrier, no atomic: software adapters punish
 * both), a second kernel, of a workgroup a tensor, folds them and adds the percentiles.
 *
 * Words of a row, as `vec4<u32>`; floats as their bits:
 *
 *     0   Σg²        Σθ²      Σ(Δθ)²   Σ(θ−θ₀)²       f32   θ before, θ−θ₀ after the update
 *     1   Σr²        Σs²      flips    εDominated     f32, f32, count, count
 *     2   min r      max r    min s    max s          f32
 *     3   nonFinite  –        –        –              count
 *     4   r p5       r p50    r p95    s p5           f32
 *     5   s p50      s p95    –        –              f32
 *
 * r and s are the effective learning rate and the step size in units of η, so that η = 0 loses
 * nothing: Adam r = 1 / (√v̂ + ε), s = |m̂| r; SGD s = |momentum|, r = 1 is not computed.
 *
 * WGSL may assume that NaN and infinity do not exist, so no decision here rests on comparing or
 * folding such values: sums of squares carry them along, as the hardware's arithmetic does, and where
 * one comes out NaN the reader makes NaN of the extremes beside it. Elements of the gradient that are
 * not finite are counted by their bits. The bits of floats that are not negative order as integers.
 */

/** Words of a tensor's row. */
export const ROW_WORDS = 24;

/** Octaves below the largest step size that are told apart: those of the percentiles' bins. */
export const OCTAVES = 48;

/**
 * Words of a tensor's histogram of step sizes, which stand behind the rows of all tensors: the biased
 * exponent of the lowest octave, an integer that may be below 0, and the values in each octave from
 * there. The lowest has all that is below, too.
 */
export const HISTOGRAM_WORDS = 1 + OCTAVES;

/** Words that a thread of an update kernel writes: the first of the row. */
export const PARTIAL_WORDS = 16;

/** Where each word of a row stands. */
export const ROW = {
  gradSquares: 0,
  weightSquares: 1,
  updateSquares: 2,
  travelSquares: 3,
  rateSquares: 4,
  stepSquares: 5,
  signFlips: 6,
  epsDominated: 7,
  rateMin: 8,
  rateMax: 9,
  stepMin: 10,
  stepMax: 11,
  nonFinite: 12,
  rateP5: 16,
  rateP50: 17,
  rateP95: 18,
  stepP5: 19,
  stepP50: 20,
  stepP95: 21,
} as const;

/** Percentiles are exact (to a bin of 1/64 octave) up to so many elements, sampled above. */
export const EXACT_SIZE = 65_536;

/** Elements of a sample: the standard error of the rank of p50 is 0.4 % of them, of p5 and p95 0.2 %. */
export const SAMPLE_SIZE = 16_384;

/** Helpers of what follows, at the top of a module. */
export const STATISTICS_FUNCTIONS = /* wgsl */ `
const LARGEST = 3.4028234e38;

// Of floats that are not negative. A software adapter needs thirty instructions for the least of two
// floats, because one may be NaN, and few for that of two integers.
fn least(soFar: f32, x: vec4f) -> f32 {
  let bits = bitcast<vec4i>(x);
  return bitcast<f32>(min(bitcast<i32>(soFar), min(min(bits.x, bits.y), min(bits.z, bits.w))));
}
fn greatest(soFar: f32, x: vec4f) -> f32 {
  let bits = bitcast<vec4i>(x);
  return bitcast<f32>(max(bitcast<i32>(soFar), max(max(bits.x, bits.y), max(bits.z, bits.w))));
}
// How many are below their edge. To choose one of two numbers by a condition takes ten instructions there,
// and step() three.
fn below(x: vec4f, edge: vec4f) -> f32 {
  let reached = step(edge, x);
  return 4.0 - ((reached.x + reached.y) + (reached.z + reached.w));
}
// How many differ in sign, where 0 has one of its own. Of two that do not, the product, scaled lest it
// vanishes, is no less than the sum, unless one is below 2^-95.
fn flips(a: vec4f, b: vec4f) -> f32 {
  return below((a * 0x1p48) * (b * 0x1p48), abs(a) + abs(b));
}
fn count(condition: vec4<bool>) -> u32 {
  let ones = select(vec4u(0u), vec4u(1u), condition);
  return (ones.x + ones.y) + (ones.z + ones.w);
}
fn isNotFinite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) >= 0x7f800000u; }
`;

/**
 * Accumulators of one thread; `root` is √v̂, `step` |Δθ| in the rule's unit. Scalars: to SwiftShader
 * a variable costs more than the sum of a vec4.
 */
export const ACCUMULATORS = /* wgsl */ `
  var gradSquares = 0.0;
  var weightSquares = 0.0;
  var updateSquares = 0.0;
  var travelSquares = 0.0;
  var rateSquares = 0.0;
  var stepSquares = 0.0;
  var signFlips = 0.0;
  var epsDominated = 0.0;
  var rootMin = LARGEST;
  var rootMax = 0.0;
  var stepMin = LARGEST;
  var stepMax = 0.0;
`;

/** Writes what a thread has seen; the rule has declared rateMin, rateMax and stepUnit. */
export const WRITE_PARTIAL = /* wgsl */ `
  let partial = (workgroup.x * CHUNK_THREADS + thread) * 4u;
  partials[partial] = bitcast<vec4u>(
    vec4f(gradSquares, weightSquares, updateSquares, travelSquares));
  partials[partial + 1u] = vec4u(
    bitcast<u32>(rateSquares), bitcast<u32>(stepSquares * stepUnit * stepUnit),
    u32(signFlips), u32(epsDominated));
  partials[partial + 2u] = bitcast<vec4u>(
    vec4f(rateMin, rateMax, stepMin * stepUnit, stepMax * stepUnit));
  partials[partial + 3u] = vec4u(nonFinite, 0u, 0u, 0u);
`;

/** Partials that a thread adds before it adds to its total: serial sums lose digits. */
const RUN = 16;

/** Sums that are added before they are added to a word's total. */
const GROUP = 8;

/** The words that a thread has folded, where `all` is what it has seen of a tensor. */
const FOLDED = [
  ..."xyzw".split("").map(part => `bitcast<u32>(all.sums.${part})`),
  ..."xy".split("").map(part => `bitcast<u32>(all.shares.${part})`),
  "all.counts.x",
  "all.counts.y",
  "all.least.x",
  "all.greatest.x",
  "all.least.y",
  "all.greatest.y",
  "all.counts.z",
];

/** Threads that fold a tensor, of `threads` in its workgroup, where so many words of memory are shared. */
export function foldThreads(threads: number, words: number): number {
  return Math.min(threads, Math.floor(words / FOLDED.length / GROUP) * GROUP);
}

/**
 * WGSL of `fold(tensor, thread)`, to be called by all threads of a workgroup: folds the partials of a tensor to the first
 * words of its row, which all of them see then. It is in a module with `places`, `partials`, `rows` and, for what the threads
 * tell each other, `bins`.
 *
 * Three levels of sums: runs, threads, groups of threads.
 * @param threads that do it: 4, or a multiple of 8.
 * @param all of the workgroup's threads.
 */
export function foldFunctions(threads: number, all: number): string {
  const group = Math.min(GROUP, threads);
  return /* wgsl */ `
struct Partial { sums: vec4f, shares: vec2f, counts: vec3u, least: vec2u, greatest: vec2u }

fn none() -> Partial {
  return Partial(vec4f(), vec2f(), vec3u(), vec2u(0xffffffffu), vec2u());
}

fn load(index: u32) -> Partial {
  let a = partials[index * 4u];
  let b = partials[index * 4u + 1u];
  let c = partials[index * 4u + 2u];
  let d = partials[index * 4u + 3u];
  return Partial(bitcast<vec4f>(a), bitcast<vec2f>(b.xy), vec3u(b.zw, d.x), c.xz, c.yw);
}

fn join(p: Partial, q: Partial) -> Partial {
  return Partial(p.sums + q.sums, p.shares + q.shares, p.counts + q.counts,
    min(p.least, q.least), max(p.greatest, q.greatest));
}

fn fold(tensor: u32, thread: u32) {
  if (thread < ${threads}u) {
    let all = seen(places[tensor].x, places[tensor].y, thread);
    ${FOLDED.map((value, word) => `atomicStore(&bins[${word * threads}u + thread], ${value});`).join("\n    ")}
  }
  workgroupBarrier();
  for (var word = thread; word < ${FOLDED.length}u; word += ${all}u) {
    rows[tensor * ${ROW_WORDS}u + word] = foldWord(word);
  }
  storageBarrier();
  workgroupBarrier();
}

// What a thread sees of so many partials.
fn seen(first: u32, count: u32, thread: u32) -> Partial {
  var all = none();
  for (var start = thread; start < count; start += ${threads * RUN}u) {
    var run = none();
    for (var i = 0u; i < ${RUN}u; i++) {
      let index = start + i * ${threads}u;
      if (index >= count) { break; }
      run = join(run, load(first + index));
    }
    all = join(all, run);
  }
  return all;
}

fn foldWord(word: u32) -> u32 {
  var sum = 0.0;
  var count = 0u;
  var least = 0xffffffffu;
  var greatest = 0u;
  for (var i = 0u; i < ${threads}u; i += ${group}u) {
    var part = 0.0;
    for (var j = 0u; j < ${group}u; j++) {
      let value = atomicLoad(&bins[word * ${threads}u + i + j]);
      part += bitcast<f32>(value);
      count += value;
      least = min(least, value);
      greatest = max(greatest, value);
    }
    sum += part;
  }
  switch word {
    case ${ROW.gradSquares}u, ${ROW.weightSquares}u, ${ROW.updateSquares}u, ${ROW.travelSquares}u,
      ${ROW.rateSquares}u, ${ROW.stepSquares}u: { return bitcast<u32>(sum); }
    case ${ROW.signFlips}u, ${ROW.epsDominated}u, ${ROW.nonFinite}u: { return count; }
    case ${ROW.rateMin}u, ${ROW.stepMin}u: { return least; }
    default: { return greatest; }
  }
}
`;
}
