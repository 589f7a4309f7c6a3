/** Philox4x32-10 on the host (Salmon et al. 2011); the kernels' version is in kernels/math.ts. */

/**
 * Number `i` of a stream: uniform in [0, 1), 24 bits, equal to the kernels', which draw from
 * substream 0.
 */
export function philox(i: number, seed: number, stream: number, substream = 0): number {
  return philoxBlock(i >>> 2, seed, stream, substream)[i & 3] ?? 0;
}

/** Numbers 4 `block` … 4 `block` + 3 of a stream, which come of one computation. */
export function philoxBlock(
  block: number,
  seed: number,
  stream: number,
  substream = 0,
): readonly [number, number, number, number] {
  let [c0, c1, c2, c3] = [block >>> 0, stream >>> 0, substream >>> 0, 0];
  let [k0, k1] = [seed >>> 0, 0];
  for (let round = 0; round < 10; round++) {
    const next0 = (multiplyHigh(c2, 0xcd9e8d57) ^ c1 ^ k0) >>> 0;
    const next2 = (multiplyHigh(c0, 0xd2511f53) ^ c3 ^ k1) >>> 0;
    c1 = Math.imul(c2, 0xcd9e8d57) >>> 0;
    c3 = Math.imul(c0, 0xd2511f53) >>> 0;
    c0 = next0;
    c2 = next2;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [unit(c0), unit(c1), unit(c2), unit(c3)];
}

/** The upper 24 of 32 bits as a number in [0, 1). */
function unit(bits: number): number {
  return (bits >>> 8) / 2 ** 24;
}

/** The upper 32 bits of a product of 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const u = a1 * b0 + ((a0 * b0) >>> 16);
  const v = a0 * b1 + (u & 0xffff);
  return a1 * b1 + (u >>> 16) + (v >>> 16);
}
