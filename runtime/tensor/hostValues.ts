import type { HostData } from "../graph/node.ts";
import { hostNode } from "../graph/node.ts";
import type { DType } from "../kernels/op.ts";
import type { Shape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/**
 * The elements of a tensor that came from the host and was at most reshaped since: what a call can
 * check without waiting for the GPU. Undefined for all others.
 */
export function hostValues(x: Tensor): Tensor["node"]["host"] {
  let { node } = x;
  while (node.op.kind === "view" && node.op.view.kind === "reshape") {
    const [source] = node.inputs;
    if (!source) return undefined;
    node = source;
  }
  return node.host;
}

/** A tensor of data that nobody else will change: not copied. */
export function fromHost(data: HostData, shape: Shape, dtype: DType): Tensor {
  return new Tensor(hostNode(data, shape, dtype));
}
