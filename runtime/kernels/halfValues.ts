/** float16 (IEEE 754 binary16) on the host: as bits, and as numbers. */

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** The nearest float16, of two the even one; infinity from 65,520 on. */
export function roundToHalf(value: number): number {
  return halfValue(halfOf(value));
}

/** Bits of the nearest float16. Float64s are rounded once: through float32 some would be rounded twice. */
function halfOf(value: number): number {
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65_520) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | roundEven(size * 2 ** 24);
  scratch[0] = size;
  // The exponent of the float32 may be that of the next power of two: then it is rounded to that anyway.
  const exponent = ((scratchBits[0] ?? 0) >>> 23) - 127;
  const steps = roundEven(size * 2 ** (10 - exponent));
  return sign | ((exponent + 14) * 1024 + steps);
}

function roundEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/** The number that has the bits of a float16. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Numbers as float16, two in each word, the first one in its lower half. */
export function encodeHalves(values: ArrayLike<number>): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(values.length / 2));
  const halves = new Uint16Array(words.buffer);
  for (let i = 0; i < values.length; i++) halves[i] = halfOf(values[i] ?? 0);
  return words;
}

/** `count` float16s as numbers. */
export function decodeHalves(bytes: ArrayBufferLike, count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(new Uint16Array(bytes, 0, count), halfValue);
}
