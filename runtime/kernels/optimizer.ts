/**
 * Update kernels: one dispatch for all tensors of an arena, θ, g and the optimizer's state read and
 * written once, and the statistics of statistics.ts taken while they are in registers.
 *
 * A workgroup works on one chunk (so many elements of one tensor, or fewer), so that everything
 * it needs to know is uniform; neighbouring threads read neighbouring vec4s. All reads come first and
 * the writes last: on a software adapter each of them is branches, around which nothing stays in registers.
 * What is seen of a value is added up as soon as it is there, before it is spilled for another.
 */
import { helperSource } from "./math.ts";
import { ACCUMULATORS, STATISTICS_FUNCTIONS, WRITE_PARTIAL } from "./statistics.ts";

/** Threads of a workgroup that does not work on a chunk. */
const THREADS = 64;

/** Words of a tensor in the scalars of an update: `updates`, and those of its rule. */
export const HYPER_WORDS = 16;

/** An update rule as WGSL: statements that kernels are made of. */
export interface UpdateRule {
  readonly name: string;
  /**
   * Names of the hyper-parameters of a tensor: floats, in the order of the scalars' words, behind
   * `updates`. Without a gradient that is 0, and nothing of the tensor is updated.
   */
  readonly words: readonly string[];
  /** Names of the state arrays, which start at zero: PyTorch's, in camelCase where WGSL needs it. */
  readonly state: readonly string[];
  /** Whether the effective learning rate r differs between elements. */
  readonly adaptive: boolean;
  /** Reads the state at `at`. */
  readonly read: string;
  /**
   * For the vec4 at `at`: makes `step` and `update` of `before`, `raw` and the state. The size of
   * `step`, times stepUnit, is the step size in units of η.
   */
  readonly update: string;
  /** Writes the state at `at`. */
  readonly write: string;
  /** Adds what is the rule's own to the accumulators, before `update`; padding is zero in every array. */
  readonly observeRead: string;
  /** The same after `update`. */
  readonly observe: string;
  /** Masks the padding in the last vec4 of a tensor by `valid`, for `observeValid`. */
  readonly mask: string;
  readonly observeValid: string;
  /** After the last vec4: declares rateMin and rateMax in units of η, and stepUnit. */
  readonly conclude: string;
  /**
   * For a step that the GPU may skip, with `taken` steps so far, this one among them: makes what the
   * hyper-parameters are then of what they are when the number of steps has no bounds. Missing where
   * that is not known.
   */
  readonly correction?: string;
  /** After the update: makes `sizes` of the vec4 at `at`, the s, and of an adaptive rule `rates`, the r. */
  readonly quantities: string;
}

/** What kernels know of an arena when they are compiled. */
export interface ArenaSize {
  readonly tensors: number;
  /** Of each of its arrays. */
  readonly floats: number;
  readonly chunks: number;
  /** Threads that share a chunk. */
  readonly chunkThreads: number;
  /** Whether a tensor ends in the middle of a vec4: not to ask saves SwiftShader a tenth. */
  readonly padded: boolean;
}

/** What of an update kernel is asked for. */
export interface UpdateParts {
  readonly instrumented: boolean;
  /** Whether steps may be skipped: see countKernel. */
  readonly guarded: boolean;
}

/**
 * WGSL of an update of the tensors of an arena. Bindings: scalars; layout, θ, g, the state; when
 * instrumented, θ₀ and partials; guards where there are some. Dispatch one workgroup a chunk.
 */
export function updateKernel(
  rule: UpdateRule,
  size: ArenaSize,
  { instrumented, guarded }: UpdateParts,
): string {
  const arrays = ["theta", "grads", ...rule.state];
  const measured = (code: string): string => (instrumented ? code : "");
  return /* wgsl */ `
${arenaBindings(size, instrumented ? [...arrays, "origin"] : arrays)}
const CHUNK_THREADS = ${size.chunkThreads}u;
${measured(partialsBinding(arrays.length + 3) + STATISTICS_FUNCTIONS)}
${guarded ? guardsBinding(arrays.length + (instrumented ? 4 : 2), size.tensors) : ""}
@compute @workgroup_size(${size.chunkThreads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32) {
  let chunk = places[${size.tensors}u + workgroup.x];
  let tensor = chunk.z;
  ${hyperParameters(rule, guarded)}
  ${measured(ACCUMULATORS)}
  // Without a gradient nothing moves. Two loops: a branch inside would cost SwiftShader a tenth.
  let moving = select(chunk.y, 0u, updates == 0.0);
  ${measured(OBSERVE_STILL)}
  for (var vector = thread; vector * 4u < moving; vector += CHUNK_THREADS) {
    let at = chunk.x + vector;
    let before = theta[at];
    let raw = grads[at];
    ${rule.read}
    ${measured(`let start = origin[at];${OBSERVE_READ}${rule.observeRead}`)}
    ${rule.update}
    let after = before + update;
    ${measured(OBSERVE + rule.observe)}
    ${measured(size.padded ? `if (vector * 4u + 4u > chunk.y) {${MASK}${rule.mask}\n    }` : "")}
    ${measured(OBSERVE_VALID + rule.observeValid)}
    ${rule.write}
    theta[at] = after;
  }
  ${measured(COUNT_NOT_FINITE)}
  ${measured(rule.conclude + WRITE_PARTIAL)}
}
`;
}

/** A tensor without gradient still has a norm, and may have travelled. */
const OBSERVE_STILL = /* wgsl */ `
  for (var vector = thread; vector * 4u < chunk.y - moving; vector += CHUNK_THREADS) {
    let at = chunk.x + vector;
    let way = theta[at] - origin[at];
    weightSquares += dot(theta[at], theta[at]);
    travelSquares += dot(way, way);
  }`;

const OBSERVE_READ = /* wgsl */ `
    gradSquares += dot(raw, raw);
    weightSquares += dot(before, before);
    `;

const OBSERVE = /* wgsl */ `
    let way = after - start;
    updateSquares += dot(update, update);
    travelSquares += dot(way, way);
    stepSquares += dot(step, step);
    var size = abs(step);
    stepMax = greatest(stepMax, size);`;

const MASK = /* wgsl */ `
      let valid = vec4u(vector * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(chunk.y);
      size = select(vec4f(LARGEST), size, valid);`;

const OBSERVE_VALID = /* wgsl */ `
    stepMin = least(stepMin, size);`;

const COUNT_NOT_FINITE = /* wgsl */ `
  var nonFinite = 0u;
  if (isNotFinite(gradSquares)) {
    for (var vector = thread; vector * 4u < chunk.y; vector += CHUNK_THREADS) {
      let bits = bitcast<vec4u>(grads[chunk.x + vector]) & vec4u(0x7fffffffu);
      nonFinite += count(bits >= vec4u(0x7f800000u));
    }
  }`;

/**
 * Declarations of what every kernel over an arena binds first: scalars, layout, and `arrays`. Their
 * lengths are constants: to look one up at each access costs SwiftShader a sixth of an update.
 */
export function arenaBindings(
  { tensors, floats, chunks }: ArenaSize,
  arrays: readonly string[],
): string {
  const vectors = floats / 4;
  const storages = arrays.map(
    (name, i) =>
      `@group(0) @binding(${i + 2}) var<storage, read_write> ${name}: array<vec4f, ${vectors}>;`,
  );
  return `
@group(0) @binding(0) var<uniform> scalars: array<vec4u, ${(tensors * HYPER_WORDS) / 4}>;
@group(0) @binding(1) var<storage, read_write> places: array<vec4u, ${tensors + chunks}>;
${storages.join("\n")}

fn hyper(tensor: u32, word: u32) -> f32 {
  return bitcast<f32>(scalars[tensor * ${HYPER_WORDS / 4}u + word / 4u][word % 4u]);
}
`;
}

/** Declares the hyper-parameters of `tensor`. */
export function hyperParameters(rule: UpdateRule, guarded: boolean): string {
  const words = ["updates", ...rule.words].map(
    (name, word) => `${guarded ? "var" : "let"} ${name} = hyper(tensor, ${word}u);`,
  );
  const correction = `
  updates = guards[tensor].x;
  let taken = guards[tensor].y;
  ${rule.correction}`;
  return words.join("\n  ") + (guarded ? correction : "");
}

/** Declares the guards of `tensors` tensors, and what corrections call. */
export function guardsBinding(binding: number, tensors: number): string {
  return /* wgsl */ `
@group(0) @binding(${binding}) var<storage, read_write> guards: array<vec4f, ${tensors}>;
${helperSource(["expm1Accurate", "log1pAccurate"])}
// 1 − (1 − blend)ᵗ
fn grown(blend: f32, t: f32) -> f32 {
  if (blend >= 1.0) { return 1.0; }
  return -expm1Accurate(t * log1pAccurate(-blend));
}
`;
}

/**
 * WGSL that decides whether `tensors` tensors are updated, before their update. Bindings: scalars;
 * guards, one vec4f a tensor: whether it is updated, and how often it was; the flag that skips the step
 * unless it is 0. Dispatch one workgroup.
 */
export function countKernel(tensors: number): string {
  return /* wgsl */ `
@group(0) @binding(0) var<uniform> scalars: array<vec4u, ${(tensors * HYPER_WORDS) / 4}>;
@group(0) @binding(1) var<storage, read_write> guards: array<vec4f, ${tensors}>;
@group(0) @binding(2) var<storage, read_write> skips: array<f32, 1>;

@compute @workgroup_size(${THREADS})
fn main(@builtin(local_invocation_index) thread: u32) {
  for (var tensor = thread; tensor < ${tensors}u; tensor += ${THREADS}u) {
    let updates = bitcast<f32>(scalars[tensor * ${HYPER_WORDS / 4}u].x);
    let goes = select(0.0, 1.0, updates != 0.0 && skips[0] == 0.0);
    guards[tensor] = vec4f(goes, guards[tensor].y + goes, 0.0, 0.0);
  }
}
`;
}

/** Declares what the threads of an update leave. */
export function partialsBinding(binding: number): string {
  return `@group(0) @binding(${binding}) var<storage, read_write> partials: array<vec4u>;`;
}

/** WGSL that copies θ to θ₀. Bindings: scalars (unused); θ, θ₀. Dispatch one workgroup for `floats`. */
export function originKernel(floats: number): string {
  return /* wgsl */ `
@group(0) @binding(1) var<storage, read_write> theta: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> origin: array<vec4f>;

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32) {
  let end = min((workgroup.x + 1u) * ${floats / 4}u, arrayLength(&theta));
  let start = workgroup.x * ${floats / 4}u + thread;
  for (var at = start; at < end; at += ${THREADS}u) { origin[at] = theta[at]; }
}
`;
}
