/**
 * PyTorch's `torch.autocast`: what is computed in float16, and what is not. The lists are those of PyTorch's
 * documentation ("Autocast Op Reference", CUDA): each operation asks for its own.
 */
import { gpu } from "../gpu/device.ts";
import { hasNativeHalves } from "../kernels/half.ts";
import { gradEnabled } from "./autograd.ts";
import { asFloat, cast, rounded } from "./elementwise.ts";
import { leaving } from "./leaving.ts";
import { Tensor } from "./tensor.ts";

export interface AutocastOptions {
  /** False: nothing is cast, within an outer autocast neither. */
  readonly enabled?: boolean;
  /** What products are computed in. There is no bfloat16 on WebGPU. */
  readonly dtype?: "float16" | "bfloat16";
}

/** Parameters in float16, each cast once for all layers that share it. */
type CastParameters = WeakMap<Tensor, { readonly version: number; readonly value: Tensor }>;

/** What an autocast that runs has cast; undefined where none does. */
let casts: CastParameters | undefined;
/** What has been said of what there is no float16 for. */
const said = new Set<string>();
let isEmulated = false;

/**
 * Runs `fn` in mixed precision: matrix products, linear layers, convolutions and attention take float16 and
 * give it, summed in float32; exponentials, powers, sums, norms, softmax and losses give float32; all else takes
 * what it gets, and gives the larger dtype. Parameters stay float32, and get float32 gradients. Call
 * `backward()` outside. On an adapter without float16 it says so once, and everything is computed in float32.
 * @returns what `fn` returns. An asynchronous `fn` is waited for.
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
  if (!enabled) return withCasts(undefined, fn);
  if (!canCast(dtype)) return fn();
  return withCasts(casts ?? new WeakMap(), fn);
}

/** Has autocast compute in float16 on every adapter, as tensors of that dtype do: for tests. @internal */
export function emulateAutocast(value: boolean): void {
  isEmulated = value;
}

/** Runs `fn` as the autocast, or none, that runs now: for what is computed later. @internal */
export function captureAutocast(): <T>(fn: () => T) => T {
  const isCasting = casts !== undefined;
  return fn => withCasts(isCasting ? new WeakMap() : undefined, fn);
}

/**
 * Ends autocast for what goes backward: derivatives are computed in the dtype of what they are derivatives of.
 * @returns goes on with it; the graph of what was cast is used up by then. @internal
 */
export function suspendAutocast(): () => void {
  const isCasting = casts !== undefined;
  casts = undefined;
  return () => {
    if (isCasting) casts = new WeakMap();
  };
}

/** An operand of a product: float16 under autocast. @internal */
export function lowered<T extends Tensor | null | undefined>(x: T): T | Tensor {
  if (!casts || x?.dtype !== "float32") return x;
  // Under noGrad a cast has no history, and is not for those who need one.
  if (!x.isLeaf || !x.requiresGrad || !gradEnabled()) return cast(x, "float16");
  const known = casts.get(x);
  if (known?.version === x.version) return known.value;
  const value = cast(x, "float16");
  casts.set(x, { version: x.version, value });
  return value;
}

/** The argument of a function for which float16 is too narrow: float32 under autocast. @internal */
export function raised<T>(x: T): T | Tensor {
  return casts && x instanceof Tensor && x.dtype === "float16" ? asFloat(x) : x;
}

/**
 * What was computed of `widened(x)`, for which float16 is too narrow: under autocast float32, else in the
 * dtype of x. @internal
 */
export function roundedOutside(y: Tensor, x: Tensor): Tensor {
  return casts ? y : rounded(y, x);
}

function canCast(dtype: "float16" | "bfloat16"): boolean {
  if (dtype === "float16" && (isEmulated || hasNativeHalves())) return true;
  if (!said.has(dtype)) {
    said.add(dtype);
    const reason =
      dtype === "bfloat16"
        ? "WebGPU has no bfloat16"
        : `the adapter (${gpu.adapter.description}) has no float16 (WebGPU's shader-f16)`;
    console.warn(
      `autocast: ${reason}; everything is computed in float32, which needs no loss scaling.`,
    );
  }
  return false;
}

function withCasts<T>(value: CastParameters | undefined, fn: () => T): T {
  const before = casts;
  casts = value;
  return leaving(fn, () => {
    casts = before;
  });
}
