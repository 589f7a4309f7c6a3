/** Reductions, scans, order and products of matrices with their derivatives against PyTorch. */
import type { Tensor } from "../../runtime/index.ts";
import { arange, einsum } from "../../runtime/index.ts";
import { binary, compareCurvature, compareWithTorch, type Operation, unary } from "./cases.ts";

interface Arguments {
  readonly dim?: number | number[] | null;
  readonly keepdim?: boolean;
  readonly correction?: number;
  /** JSON lacks infinity. */
  readonly p?: string;
  readonly k?: number;
  readonly largest?: boolean;
  readonly descending?: boolean;
  readonly transposed?: boolean;
  readonly equation?: string;
}

const power = (p?: string) => (p === undefined ? undefined : Number(p.replace("inf", "Infinity")));

const OPERATIONS: Record<string, Operation<Arguments>> = {
  var: unary((x, { dim, ...options }) => x.var(dim ?? undefined, options)),
  std: unary((x, { dim, ...options }) => x.std(dim ?? undefined, options)),
  norm: unary((x, { p, dim, keepdim }) => x.norm(power(p), dim ?? undefined, keepdim)),
  any: unary((x, { dim, keepdim }) => x.any(dim ?? undefined, keepdim)),
  all: unary((x, { dim, keepdim }) => x.all(dim ?? undefined, keepdim)),
  sum: unary((x, { dim }) => x.sum(dim ?? undefined)),
  amax: unary((x, { dim }) => x.amax(dim ?? undefined)),
  amin: unary((x, { dim }) => x.amin(dim ?? undefined)),
  prod: unary((x, { dim, keepdim }) => x.prod(dim ?? undefined, keepdim)),
  cumsum: unary((x, args) => (args.transposed ? x.t() : x).cumsum(single(args))),
  cumprod: unary((x, args) => x.cumprod(single(args))),
  max: unary((x, args) => x.max(single(args)).values),
  min: unary((x, args) => x.min(single(args)).values),
  maxIndex: unary((x, args) => x.max(single(args), args.keepdim).indices),
  minIndex: unary((x, args) => x.min(single(args), args.keepdim).indices),
  maxOf: binary((a, b) => a.max(b)),
  minOf: binary((a, b) => a.min(b)),
  sort: unary((x, args) => x.sort(single(args), args.descending).values),
  sortIndex: unary((x, args) => x.argsort(single(args), args.descending)),
  topk: unary((x, args) => x.topk(args.k ?? 0, single(args), args.largest).values),
  topkIndex: unary((x, args) => x.topk(args.k ?? 0, single(args), args.largest).indices),
  einsum: (inputs, { equation = "" }) => einsum(equation, ...inputs),
  outer: binary((a, b) => a.outer(b)),
  dot: binary((a, b) => a.dot(b)),
  mm: binary((a, b) => a.mm(b)),
  bmm: binary((a, b) => a.bmm(b)),
  mv: binary((a, b) => a.mv(b)),
  matmul: binary((a, b) => a.matmul(b)),
};

// A gradient of a long row adds up products of a hundred factors, with either sign.
compareWithTorch("reductions", OPERATIONS, { cumprod: { relative: 1e-5, absolute: 1e-6 } });

const CURVED: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  var: x => x.var(1).square().sum(),
  std: x => x.std(0).sum(),
  norm: x => x.norm(),
  norm3: x => x.norm(3, 1).square().sum(),
  prod: x => x.prod(1).sum(),
  cumsum: x => x.cumsum(1).pow(3).sum(),
  cumprod: x => x.cumprod(1).square().sum(),
  max: x => x.max(1).values.pow(3).sum(),
  topk: x => x.topk(2, 0).values.pow(3).sum(),
  sort: x => x.sort(1).values.square().mul(arange(4)).sum(),
  einsum: (a, b) => einsum("ij,j,kj->ik", a, b, a).square().sum(),
};

compareCurvature("reductions-curvature", CURVED);

function single({ dim }: Arguments): number {
  return typeof dim === "number" ? dim : 0;
}
