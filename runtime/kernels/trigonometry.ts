/**
 * Sine, cosine, tangent and arc tangent. WGSL promises no more than 2^-11 for the first two and
 * 4096 units in the last place for the others; these are Cephes' (S. L. Moshier), good to about
 * 1e-7 while the angle is below some thousands of turns.
 */
export const trigonometry = {
  // π/4 in three parts, the first two short: products with the number of octants are exact.
  octant: /* wgsl */ `
fn octant(x: f32) -> vec2<f32> {
  let a = abs(x);
  var j = floor(a * 1.27323954474);
  j += j - 2.0 * floor(j * 0.5);
  let r = ((a - j * 0.78515625) - j * 2.4187564849853515625e-4) - j * 3.77489497744594108e-8;
  return vec2<f32>(r, j - 8.0 * floor(j * 0.125));
}
fn sinOctant(r: f32) -> f32 {
  let z = r * r;
  return ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1) * z * r + r;
}
fn cosOctant(r: f32) -> f32 {
  let z = r * r;
  return ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2) * z * z - 0.5 * z + 1.0;
}`,
  sinAccurate: /* wgsl */ `
fn sinAccurate(x: f32) -> f32 {
  let o = octant(x);
  let swapped = o.y == 2.0 || o.y == 6.0;
  let y = select(sinOctant(o.x), cosOctant(o.x), swapped);
  return select(y, -y, (o.y >= 4.0) != (x < 0.0));
}`,
  cosAccurate: /* wgsl */ `
fn cosAccurate(x: f32) -> f32 {
  let o = octant(x);
  let swapped = o.y == 2.0 || o.y == 6.0;
  let y = select(cosOctant(o.x), sinOctant(o.x), swapped);
  return select(y, -y, o.y == 2.0 || o.y == 4.0);
}`,
  tanAccurate: /* wgsl */ `
fn tanAccurate(x: f32) -> f32 { return sinAccurate(x) / cosAccurate(x); }`,
  atanAccurate: /* wgsl */ `
fn atanAccurate(x: f32) -> f32 {
  let a = abs(x);
  var base = 0.0;
  var r = a;
  if (a > 2.414213562373095) { base = 1.5707963267948966; r = -1.0 / a; }
  else if (a > 0.4142135623730950) { base = 0.7853981633974483; r = (a - 1.0) / (a + 1.0); }
  let z = r * r;
  let p = ((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1;
  let y = base + (p * z * r + r);
  return select(select(y, -y, x < 0.0), x, isNan(x));
}`,
  atan2Accurate: /* wgsl */ `
fn atan2Accurate(y: f32, x: f32) -> f32 {
  if (isNan(x) || isNan(y)) { return x + y; }
  let steep = abs(y) > abs(x);
  let ratio = select(abs(y) / abs(x), abs(x) / abs(y), steep);
  // 0 / 0 and infinity / infinity are no ratios: the angle is 0, or half of a right one.
  let flat = select(atanAccurate(ratio), 0.0, y == 0.0);
  let both = select(flat, 0.7853981633974483, isNan(ratio) && y != 0.0);
  let acute = select(both, 1.5707963267948966 - both, steep);
  let backward = (bitcast<u32>(x) >> 31u) == 1u;
  let angle = select(acute, 3.141592653589793 - acute, backward);
  return select(angle, -angle, (bitcast<u32>(y) >> 31u) == 1u);
}`,
} as const;

export type TrigonometryHelper = keyof typeof trigonometry;
