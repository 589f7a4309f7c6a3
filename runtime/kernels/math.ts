/**
 * Functions that WGSL lacks or gets wrong. On Dawn `tanh(100)` is NaN, `exp(NaN)` infinity, `log`
 * near 1 and `tanh` near 0 are off by 2e-5, and comparisons may assume that NaN does not exist
 * (measured): so bits are tested, and the approximations are those of Cephes (S. L. Moshier), good
 * to about 1e-7.
 */

const source = {
  isNan: /* wgsl */ `
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`,
  maximumNan: /* wgsl */ `
fn maximumNan(x: f32, y: f32) -> f32 { return select(select(y, x, x > y || isNan(x)), y, isNan(y)); }`,
  minimumNan: /* wgsl */ `
fn minimumNan(x: f32, y: f32) -> f32 { return select(select(y, x, x < y || isNan(x)), y, isNan(y)); }`,
  expNan: /* wgsl */ `
fn expNan(x: f32) -> f32 { return select(exp(x), x, isNan(x)); }`,
  // Cephes logf: mantissa in [sqrt(1/2), sqrt(2)), polynomial of degree 9.
  logAccurate: /* wgsl */ `
fn logAccurate(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  // The zero bits keep the compiler from refusing a constant infinity or NaN.
  if ((bits & 0x7fffffffu) == 0u) { return bitcast<f32>(0xff800000u | (bits & 0u)); }
  if (bits > 0x7f800000u) { return bitcast<f32>(0x7fc00000u | (bits & 0u)); }
  if (bits == 0x7f800000u) { return x; }
  let tiny = bits < 0x00800000u;
  let scaled = bitcast<u32>(select(x, x * 16777216.0, tiny));
  var exponent = f32(i32(scaled >> 23u) - 126) - select(0.0, 24.0, tiny);
  var m = bitcast<f32>((scaled & 0x007fffffu) | 0x3f000000u);
  if (m < 0.70710678) { exponent -= 1.0; m = m + m - 1.0; } else { m = m - 1.0; }
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
  let y = m * z * p - 2.12194440e-4 * exponent - 0.5 * z;
  return m + y + 0.693359375 * exponent;
}`,
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
  // Philox4x32-10: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
  philox: /* wgsl */ `
fn mulHiLo(a: u32, b: u32) -> vec2<u32> {
  let a0 = a & 0xffffu; let a1 = a >> 16u;
  let b0 = b & 0xffffu; let b1 = b >> 16u;
  let t = a0 * b0;
  let u = a1 * b0 + (t >> 16u);
  let v = a0 * b1 + (u & 0xffffu);
  return vec2<u32>(a1 * b1 + (u >> 16u) + (v >> 16u), a * b);
}
fn philox(counter: vec4<u32>, seed: vec2<u32>) -> vec4<u32> {
  var c = counter;
  var k = seed;
  for (var round = 0; round < 10; round++) {
    let p = mulHiLo(0xD2511F53u, c.x);
    let q = mulHiLo(0xCD9E8D57u, c.z);
    c = vec4<u32>(q.x ^ c.y ^ k.x, q.y, p.x ^ c.w ^ k.y, p.y);
    k += vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
  }
  return c;
}`,
  // 24 bits: [0, 1) without 1.
  uniform01: /* wgsl */ `
fn uniform01(i: u32, seed: u32, stream: u32) -> f32 {
  let r = philox(vec4<u32>(i >> 2u, stream, 0u, 0u), vec2<u32>(seed, 0u));
  return f32(r[i & 3u] >> 8u) * (1.0 / 16777216.0);
}`,
  // Box and Muller 1958.
  normal01: /* wgsl */ `
fn normal01(i: u32, seed: u32, stream: u32) -> f32 {
  let r = philox(vec4<u32>(i >> 1u, stream, 1u, 0u), vec2<u32>(seed, 0u));
  let pair = select(r.xy, r.zw, (i & 1u) == 1u);
  let radius = sqrt(-2.0 * logAccurate((f32(pair.x >> 8u) + 0.5) * (1.0 / 16777216.0)));
  return radius * cos(6.283185307 * (f32(pair.y >> 8u) * (1.0 / 16777216.0)));
}`,
} as const;

export type Helper = keyof typeof source;

const needs: Partial<Record<Helper, readonly Helper[]>> = {
  maximumNan: ["isNan"],
  minimumNan: ["isNan"],
  expNan: ["isNan"],
  tanhAccurate: ["isNan"],
  erf: ["isNan"],
  power: ["logAccurate"],
  uniform01: ["philox"],
  normal01: ["philox", "logAccurate"],
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
