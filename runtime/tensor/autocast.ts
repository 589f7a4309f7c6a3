/** PyTorch's `torch.autocast`, as far as there is anything to cast to. */

export interface AutocastOptions {
  /** False: nothing is meant to be cast. */
  readonly enabled?: boolean;
  /** What PyTorch would compute in. */
  readonly dtype?: "float16" | "bfloat16";
}

let hasSaid = false;

/**
 * Runs `fn`, which is computed in float32: there are no kernels for half precision, on any adapter. As
 * PyTorch does on a device without them, it says so once and goes on, so that a script is the same on
 * both; results are those of full precision.
 * @returns what `fn` returns.
 * @throws TypeError if `fn` is no function, or if there is no such dtype.
 */
export function autocast<T>(fn: () => T, options: AutocastOptions = {}): T {
  const { enabled = true, dtype = "float16" } = options;
  if (typeof fn !== "function") {
    throw new TypeError("autocast: expects a function: autocast(() => model.forward(inputs))");
  }
  if (dtype !== "float16" && dtype !== "bfloat16") {
    throw new TypeError(`autocast: dtype should be "float16" or "bfloat16", got ${String(dtype)}`);
  }
  if (enabled && !hasSaid) {
    hasSaid = true;
    console.warn(
      `autocast: there are no kernels for ${dtype} yet; everything is computed in float32, which needs no ` +
        "loss scaling.",
    );
  }
  return fn();
}
