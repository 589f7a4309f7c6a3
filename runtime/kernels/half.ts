/**
 * float16 (IEEE 754 binary16) as a form of storage: two bytes an element. Kernels calculate with float32, and
 * what they compute of this dtype is rounded where it is computed, to the nearest, of two to the even one, so
 * that a value is the same whether it went through memory or not. WGSL's own conversions may round either way
 * and leave open what becomes of too large numbers: they only see numbers that float16 has.
 */
import { gpu } from "../gpu/device.ts";

export const half = {
  // Above 65,520 the nearest is infinity. Below 2⁻¹⁴ the steps are 2⁻²⁴.
  roundHalf: /* wgsl */ `
fn roundHalf(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let size = bits & 0x7fffffffu;
  let near = (bits + 0xfffu + ((bits >> 13u) & 1u)) & 0xffffe000u;
  let finite = select(near, (bits & 0x80000000u) | 0x7f800000u, size >= 0x477ff000u);
  let large = bitcast<f32>(select(finite, bits, size > 0x7f800000u));
  return select(large, round(x * 16777216.0) * 5.9604644775390625e-8, size < 0x38800000u);
}`,
  halfBits: /* wgsl */ `
fn halfBits(x: f32) -> u32 {
  let bits = bitcast<u32>(roundHalf(x));
  let size = bits & 0x7fffffffu;
  let large = select((size - 0x38000000u) >> 13u, 0x7c00u | ((size >> 13u) & 0x3ffu), size >= 0x7f800000u);
  let tiny = u32(bitcast<f32>(min(size, 0x38800000u)) * 16777216.0);
  return ((bits >> 16u) & 0x8000u) | select(large, tiny, size < 0x38800000u);
}`,
} as const;

/** Whether the adapter has float16. Without it two elements share a word, and stores are atomic. */
export function hasNativeHalves(): boolean {
  return gpu.device.features.has("shader-f16");
}

/** A binding of a kernel whose elements are float16. */
export class HalfBinding {
  readonly #isNative = hasNativeHalves();
  #isStored = false;

  /** The extension of WGSL that is needed, if one is. */
  get extension(): string | undefined {
    return this.#isNative ? "f16" : undefined;
  }

  /** WGSL type of `length` elements. */
  array(length: number): string {
    if (this.#isNative) return `array<f16, ${length}>`;
    return `array<${this.#isStored ? "atomic<u32>" : "u32"}, ${Math.ceil(length / 2)}>`;
  }

  /** Expression for element `at`, of f32. */
  load(name: string, at: string): string {
    return this.#isNative ? `f32(${name}[${at}])` : `load_${name}(${at})`;
  }

  /** Statement that stores an f32. */
  store(name: string, at: string, value: string): string {
    this.#isStored = true;
    return this.#isNative ? `${name}[${at}] = f16(${value});` : `store_${name}(${at}, ${value});`;
  }

  /** WGSL of the functions that loads and stores call. */
  functions(name: string): string {
    if (this.#isNative) return "";
    const word = this.#isStored ? `atomicLoad(&${name}[at >> 1u])` : `${name}[at >> 1u]`;
    const load = `fn load_${name}(at: u32) -> f32 { return unpack2x16float(${word})[at & 1u]; }`;
    if (!this.#isStored) return load;
    // The other half of the word may be stored by another thread at the same time.
    return `${load}
fn store_${name}(at: u32, value: f32) {
  let shift = (at & 1u) * 16u;
  atomicAnd(&${name}[at >> 1u], 0xffff0000u >> shift);
  atomicOr(&${name}[at >> 1u], halfBits(value) << shift);
}`;
  }
}
