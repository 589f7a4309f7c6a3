/**
 * Functions that WGSL lacks or gets wrong. On Dawn `tanh(100)` is NaN, `exp(NaN)` infinity, `log`
 * near 1 and `tanh` near 0 are off by 2e-5, and comparisons may assume that NaN does not exist
 * (measured): so bits are tested, and the approximations are those of Cephes (S. L. Moshier), good
 * to about 1e-7.
 */
import { half } from "./half.ts";
import { randomness } from "./randomness.ts";
import { trigonometry } from "./trigonometry.ts";

const basics = {
  isNan: /* wgsl */ `
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`,
  maximumNan: /* wgsl */ `
fn maximumNan(x: f32, y: f32) -> f32 { return select(select(y, x, x > y || isNan(x)), y, isNan(y)); }`,
  minimumNan: /* wgsl */ `
fn minimumNan(x: f32, y: f32) -> f32 { return select(select(y, x, x < y || isNan(x)), y, isNan(y)); }`,
  expNan: /* wgsl */ `
fn expNan(x: f32) -> f32 { return select(exp(x), x, isNan(x)); }`,
  // Cephes logf: polynomial of degree 9 for log(1 + m) - m, m in [sqrt(1/2) - 1, sqrt(2) - 1).
  logTail: /* wgsl */ `
fn logTail(m: f32) -> f32 {
  let z = m * m;
  var p = 7.0376836292e-2;
  p = p * m - 1.1514610310e-1;
  p = p * m + 1.1676998740e-1;
  p = p * m - 1.2420140846e-1;
  p = p * m + 1.4249322787e-1;
  p = p * m - 1.6668057665e-1;
  p = p * m + 2.0000714765e-1;
  p = p * m - 2.4999993993e-1;
  p = p * m + 3.3333331174e-1;
  return m * z * p - 0.5 * z;
}`,
  // x = (1 + m) * 2^exponent as (m, exponent), for normal and subnormal x above 0.
  logParts: /* wgsl */ `
fn logParts(x: f32) -> vec2<f32> {
  let tiny = bitcast<u32>(x) < 0x00800000u;
  let scaled = bitcast<u32>(select(x, x * 16777216.0, tiny));
  let exponent = f32(i32(scaled >> 23u) - 126) - select(0.0, 24.0, tiny);
  let m = bitcast<f32>((scaled & 0x007fffffu) | 0x3f000000u);
  if (m < 0.70710678) { return vec2<f32>(m + m - 1.0, exponent - 1.0); }
  return vec2<f32>(m - 1.0, exponent);
}
fn logIsSpecial(x: f32) -> bool {
  let bits = bitcast<u32>(x);
  return (bits & 0x7fffffffu) == 0u || bits >= 0x7f800000u;
}
fn logSpecial(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  // The zero bits keep the compiler from refusing a constant infinity or NaN.
  if ((bits & 0x7fffffffu) == 0u) { return bitcast<f32>(0xff800000u | (bits & 0u)); }
  if (bits > 0x7f800000u) { return bitcast<f32>(0x7fc00000u | (bits & 0u)); }
  return x;
}`,
  logAccurate: /* wgsl */ `
fn logAccurate(x: f32) -> f32 {
  if (logIsSpecial(x)) { return logSpecial(x); }
  let parts = logParts(x);
  return parts.x + (logTail(parts.x) - 2.12194440e-4 * parts.y) + 0.693359375 * parts.y;
}`,
  // Exact for powers of two.
  log2Accurate: /* wgsl */ `
fn log2Accurate(x: f32) -> f32 {
  if (logIsSpecial(x)) { return logSpecial(x); }
  let parts = logParts(x);
  return parts.y + (parts.x + logTail(parts.x)) * 1.4426950408889634;
}`,
  log1pAccurate: /* wgsl */ `
fn log1pAccurate(x: f32) -> f32 {
  if (x > -0.29 && x < 0.41) { return x + logTail(x); }
  return logAccurate(1.0 + x);
}`,
  // The series of exp(x) - 1, where the difference would lose digits.
  expm1Accurate: /* wgsl */ `
fn expm1Accurate(x: f32) -> f32 {
  if (abs(x) >= 0.5) { return expNan(x) - 1.0; }
  var p = 2.4801587e-5;
  p = p * x + 1.9841270e-4;
  p = p * x + 1.3888889e-3;
  p = p * x + 8.3333333e-3;
  p = p * x + 4.1666667e-2;
  p = p * x + 1.6666667e-1;
  p = p * x + 0.5;
  return x + x * x * p;
}`,
  softplus: /* wgsl */ `
fn softplus(x: f32) -> f32 { return select(0.0, x, x > 0.0) + log1pAccurate(expNan(-abs(x))); }`,
  // Cephes tanhf.
  tanhAccurate: /* wgsl */ `
fn tanhAccurate(x: f32) -> f32 {
  let a = abs(x);
  if (a < 0.625) {
    let z = x * x;
    var p = -5.70498872745e-3;
    p = p * z + 2.06390887954e-2;
    p = p * z - 5.37397155531e-2;
    p = p * z + 1.33314422036e-1;
    p = p * z - 3.33332819422e-1;
    return x + x * z * p;
  }
  let y = 1.0 - 2.0 / (exp(2.0 * min(a, 10.0)) + 1.0);
  return select(select(y, -y, x < 0.0), x, isNan(x));
}`,
  // Cephes erff and erfcf.
  erf: /* wgsl */ `
fn erf(x: f32) -> f32 {
  let a = abs(x);
  if (a < 1.0) {
    let z = x * x;
    var p = 7.853861353153693e-5;
    p = p * z - 8.010193625184903e-4;
    p = p * z + 5.188327685732524e-3;
    p = p * z - 2.685381193529856e-2;
    p = p * z + 1.128358514861418e-1;
    p = p * z - 3.761262582423300e-1;
    p = p * z + 1.128379165726710;
    return x * p;
  }
  let q = 1.0 / a;
  let z = q * q;
  var p: f32;
  if (a < 2.0) {
    p = 2.326819970068386e-2;
    p = p * z - 1.387039388740657e-1;
    p = p * z + 3.687424674597105e-1;
    p = p * z - 5.824733027278666e-1;
    p = p * z + 6.210004621745983e-1;
    p = p * z - 4.944515323274145e-1;
    p = p * z + 3.404879937665872e-1;
    p = p * z - 2.741127028184656e-1;
    p = p * z + 5.638259427386472e-1;
  } else {
    p = -1.047766399936249e+1;
    p = p * z + 1.297719955372516e+1;
    p = p * z - 7.495518717768503;
    p = p * z + 2.921019019210786;
    p = p * z - 1.015265279202700;
    p = p * z + 4.218463358204948e-1;
    p = p * z - 2.820767439740514e-1;
    p = p * z + 5.641895067754075e-1;
  }
  let y = 1.0 - exp(-min(a * a, 80.0)) * q * p;
  return select(select(y, -y, x < 0.0), x, isNan(x));
}`,
  // x^y by exp(y log|x|) loses digits; whole exponents are exact enough by multiplication.
  power: /* wgsl */ `
fn power(x: f32, y: f32) -> f32 {
  let whole = y == floor(y);
  if (whole && abs(y) <= 64.0) {
    var n = u32(abs(y));
    var base = x;
    var result = 1.0;
    while (n > 0u) {
      if ((n & 1u) == 1u) { result *= base; }
      base *= base;
      n >>= 1u;
    }
    return select(result, 1.0 / result, y < 0.0);
  }
  if (y == 0.5) { return sqrt(x); }
  if (y == -0.5) { return 1.0 / sqrt(x); }
  let magnitude = exp(y * logAccurate(abs(x)));
  if (x >= 0.0) { return magnitude; }
  if (!whole) { return bitcast<f32>(0x7fc00000u | (bitcast<u32>(x) & 0u)); }
  return select(magnitude, -magnitude, (i32(abs(y)) & 1) == 1);
}`,
  powerInt: /* wgsl */ `
fn powerInt(x: i32, y: i32) -> i32 {
  if (y < 0) { return select(0, select(1, x, (y & 1) != 0), abs(x) == 1); }
  var n = y;
  var base = x;
  var result = 1;
  while (n > 0) {
    if ((n & 1) == 1) { result *= base; }
    base *= base;
    n >>= 1u;
  }
  return result;
}`,
  // Exact, by long division of the mantissas: x - y * trunc(x / y) rounds, and may reach y.
  fmod: /* wgsl */ `
fn fmod(x: f32, y: f32) -> f32 {
  let sign = bitcast<u32>(x) & 0x80000000u;
  let a = bitcast<u32>(x) & 0x7fffffffu;
  let b = bitcast<u32>(y) & 0x7fffffffu;
  if (a >= 0x7f800000u || b > 0x7f800000u || b < 0x00800000u) {
    return bitcast<f32>(0x7fc00000u | (a & 0u));
  }
  if (a < b) { return x; }
  var mantissa = (a & 0x007fffffu) | 0x00800000u;
  let divisor = (b & 0x007fffffu) | 0x00800000u;
  var exponent = a >> 23u;
  for (; exponent > (b >> 23u); exponent--) {
    if (mantissa >= divisor) { mantissa -= divisor; }
    mantissa <<= 1u;
  }
  if (mantissa >= divisor) { mantissa -= divisor; }
  if (mantissa == 0u) { return bitcast<f32>(sign); }
  let shift = countLeadingZeros(mantissa) - 8u;
  if (exponent <= shift) { return bitcast<f32>(sign); }
  return bitcast<f32>(sign | ((exponent - shift) << 23u) | ((mantissa << shift) & 0x007fffffu));
}`,
  remainderFloat: /* wgsl */ `
fn remainderFloat(x: f32, y: f32) -> f32 {
  let r = fmod(x, y);
  return select(r, r + y, r != 0.0 && (r < 0.0) != (y < 0.0));
}`,
  remainderInt: /* wgsl */ `
fn remainderInt(x: i32, y: i32) -> i32 {
  let r = x % y;
  return select(r, r + y, r != 0 && (r ^ y) < 0);
}`,
  floorDivideFloat: /* wgsl */ `
fn floorDivideFloat(x: f32, y: f32) -> f32 {
  let exact = round((x - remainderFloat(x, y)) / y);
  return select(exact, x / y, y == 0.0 || isNan(exact));
}`,
  floorDivideInt: /* wgsl */ `
fn floorDivideInt(x: i32, y: i32) -> i32 {
  return x / y - select(0, 1, x % y != 0 && (x ^ y) < 0);
}`,
  // Unsigned numbers in the order of the floats, NaN last, -0 equal to 0.
  sortKey: /* wgsl */ `
fn sortKey(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if (isNan(x)) { return 0xffffffffu; }
  if (bits == 0x80000000u) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}`,
} as const;

const source = { ...basics, ...trigonometry, ...randomness, ...half };

export type Helper = keyof typeof source;

const needs: Partial<Record<Helper, readonly Helper[]>> = {
  maximumNan: ["isNan"],
  minimumNan: ["isNan"],
  expNan: ["isNan"],
  logAccurate: ["logParts", "logTail"],
  log2Accurate: ["logParts", "logTail"],
  log1pAccurate: ["logAccurate"],
  expm1Accurate: ["expNan"],
  softplus: ["expNan", "log1pAccurate"],
  tanhAccurate: ["isNan"],
  erf: ["isNan"],
  power: ["logAccurate"],
  remainderFloat: ["fmod"],
  floorDivideFloat: ["isNan", "remainderFloat"],
  sortKey: ["isNan"],
  halfBits: ["roundHalf"],
  sinAccurate: ["octant"],
  cosAccurate: ["octant"],
  tanAccurate: ["sinAccurate", "cosAccurate"],
  atanAccurate: ["isNan"],
  atan2Accurate: ["atanAccurate"],
  uniform01: ["philox"],
  normal01: ["philox", "logAccurate", "cosAccurate"],
};

/** WGSL of the helpers and of what they call, each once. */
export function helperSource(helpers: Iterable<Helper>): string {
  const all = new Set<Helper>();
  const add = (helper: Helper) => {
    for (const needed of needs[helper] ?? []) add(needed);
    all.add(helper);
  };
  for (const helper of helpers) add(helper);
  return [...all].map(helper => source[helper]).join("\n");
}
