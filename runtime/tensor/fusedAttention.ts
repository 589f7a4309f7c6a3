/** Attention in one kernel, and its gradients in two: see kernels/attention.ts. */
import { recordNode } from "../graph/graph.ts";
import { Node } from "../graph/node.ts";
import { internOp } from "../kernels/op.ts";
import { differentiable, grad, gradEnabled } from "./autograd.ts";
import { full } from "./creation.ts";
import { cast } from "./elementwise.ts";
import type { Shape } from "./shape.ts";
import { broadcastShapes } from "./shape.ts";
import { Tensor } from "./tensor.ts";
import { expand } from "./views.ts";

export interface FusedAttention {
  /** [..., L, S], added to the scores; it gets no gradient. */
  readonly mask: Tensor | undefined;
  readonly isCausal: boolean;
  readonly scale: number;
  /** The same, of ordinary operations: what is differentiated for higher derivatives. */
  readonly composed: (query: Tensor, key: Tensor, value: Tensor) => Tensor;
}

/** Largest size of a query or value: a thread holds two or three of them. */
const LARGEST_ROW = 256;

/** Whether the kernels take these shapes. */
export function canFuse(query: Tensor, key: Tensor, value: Tensor): boolean {
  const [width = 0, depth = 0, keys = 0] = [
    query.shape.at(-1),
    value.shape.at(-1),
    key.shape.at(-2),
  ];
  return keys > 0 && Math.min(width, depth) > 0 && Math.max(width, depth) <= LARGEST_ROW;
}

/** softmax(q kᵀ · scale + mask) v; batch dimensions broadcast. The result is of the dtype of the query. */
export function fusedAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: FusedAttention,
): Tensor {
  const batches = [query, key, value, ...(options.mask ? [options.mask] : [])]
    .map(({ shape }) => shape.slice(0, -2))
    .reduce<Shape>((a, b) => broadcastShapes(a, b, "scaledDotProductAttention"), []);
  const whole = (x: Tensor) => expand(x, [...batches, ...x.shape.slice(-2)]);
  const [q, k, v] = [whole(query), whole(key), whole(value)];
  const [queries = 1, width = 1] = q.shape.slice(-2);
  const [keys = 1, depth = 1] = v.shape.slice(-2);
  const mask = options.mask && expand(options.mask.detach(), [...batches, queries, keys]);
  const record = (
    part: "output" | "queryGrad" | "keyGrad",
    sizes: [number, number],
    rest: Tensor[],
  ) => {
    const kind = { kind: "attention", part, causal: options.isCausal, masked: !!mask } as const;
    const factors = [q, k, v, full([], options.scale), ...(mask ? [mask] : []), ...rest];
    const op = internOp(kind, [...batches, ...sizes], "float32");
    return new Tensor(
      recordNode(
        new Node(
          op,
          factors.map(({ node }) => node),
        ),
      ),
    );
  };
  // Behind the output stands the logarithm of the sum, behind the gradient of the query what that of
  // the key needs.
  const packed = record("output", [queries, depth + 1], []);
  const output = cast(packed.narrow(-1, 0, depth), query.dtype);
  return differentiable(output, "scaledDotProductAttention", [q, k, v], [q, k, v], gradient => {
    if (gradEnabled()) {
      const roles: [Tensor, Tensor, Tensor] = [alias(q), alias(k), alias(v)];
      const inputs = roles.filter(({ requiresGrad }) => requiresGrad);
      const found = grad(options.composed(...roles), inputs, {
        gradOutputs: gradient,
        createGraph: true,
      });
      return roles.map(input => found[inputs.indexOf(input)] ?? null);
    }
    const ofQuery = record("queryGrad", [queries, width + 1], [packed, gradient]);
    const ofKey = record("keyGrad", [keys, width + depth], [packed, gradient, ofQuery]);
    return [
      ofQuery.narrow(-1, 0, width),
      ofKey.narrow(-1, 0, width),
      ofKey.narrow(-1, width, depth),
    ];
  });
}

/** The same value by another name: one tensor may be key and value, or one made of the other. */
function alias(x: Tensor): Tensor {
  return differentiable(x.detach(), "alias", [x], [], g => [g]);
}
