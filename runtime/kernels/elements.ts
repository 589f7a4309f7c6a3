/** The step size of each element of a tensor, computed from what the latest update left. */
import {
  type ArenaSize,
  arenaBindings,
  guardsBinding,
  hyperParameters,
  type UpdateRule,
} from "./optimizer.ts";

/** Threads of a workgroup, each of which has one vector. */
export const ELEMENTS_THREADS = 64;

/**
 * WGSL of |Δθ| / η of all elements of one tensor, to run after the update and before the next. Bindings:
 * scalars; layout, θ, g, the state, sizes, guards where there are some. Dispatch a workgroup for
 * each 4 · ELEMENTS_THREADS elements.
 */
export function elementsKernel(
  rule: UpdateRule,
  size: ArenaSize,
  tensor: number,
  guarded: boolean,
): string {
  const arrays = ["theta", "grads", ...rule.state];
  return /* wgsl */ `
${arenaBindings(size, arrays)}
@group(0) @binding(${arrays.length + 2}) var<storage, read_write> result: array<f32>;
${guarded ? guardsBinding(arrays.length + 3, size.tensors) : ""}

@compute @workgroup_size(${ELEMENTS_THREADS})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let tensor = ${tensor}u;
  ${hyperParameters(rule, guarded)}
  let vector = id.x + id.y * groups.x * ${ELEMENTS_THREADS}u;
  let elements = places[tensor].w;
  if (vector * 4u >= elements) { return; }
  let at = places[tensor].z / 4u + vector;
  ${rule.quantities}
  for (var i = 0u; i < min(4u, elements - vector * 4u); i++) {
    result[vector * 4u + i] = select(sizes[i], 0.0, updates == 0.0);
  }
}
`;
}
