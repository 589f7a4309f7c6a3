/** Counter-based random numbers: equal seed, stream and place, equal number. */
export const randomness = {
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
  return radius * cosAccurate(6.283185307 * (f32(pair.y >> 8u) * (1.0 / 16777216.0)));
}`,
} as const;

export type RandomnessHelper = keyof typeof randomness;
