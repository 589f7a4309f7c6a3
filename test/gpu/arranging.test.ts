/** Operations that take, move, repeat and write elements, with their derivatives, against PyTorch. */
import { cat, type Range, stack, type Tensor, tensor } from "../../runtime/index.ts";
import { compareCurvature, compareWithTorch, type Operation, unary } from "./cases.ts";
import { required } from "./fixture.ts";

interface Arguments {
  readonly ranges?: readonly Range[];
  /** Dimensions that are exchanged first, so that the input is not contiguous. */
  readonly swap?: readonly [number, number];
  readonly dim?: number;
  readonly dims?: number[];
  readonly index?: number;
  readonly start?: number;
  readonly length?: number;
  readonly size?: number;
  readonly which?: number;
  readonly offset?: number;
  readonly padding?: number[];
  readonly value?: number;
  readonly mode?: "reflect" | "replicate" | "circular";
  readonly sizes?: number[];
  readonly shifts?: number | number[];
  readonly from?: number | number[];
  readonly to?: number | number[];
  readonly diagonal?: number;
}

const swapped = (x: Tensor, { swap }: Arguments) => (swap ? x.transpose(...swap) : x);

const OPERATIONS: Record<string, Operation<Arguments>> = {
  slice: unary((x, args) => swapped(x, args).slice(...(args.ranges ?? []))),
  select: unary((x, { dim = 0, index = 0 }) => x.select(dim, index)),
  narrow: unary((x, { dim = 0, start = 0, length = 0 }) => x.narrow(dim, start, length)),
  flip: unary((x, { dims = [] }) => x.flip(...dims)),
  split: unary((x, { size = 0, dim, which = 0 }) => required(x.split(size, dim)[which])),
  chunk: unary((x, { size = 0, dim }) => required(x.chunk(size, dim).at(-1))),
  unbind: unary((x, { dim, which = 0 }) => required(x.unbind(dim)[which])),
  diagonal: unary((x, { offset, dims = [] }) => x.diagonal(offset, ...dims)),
  stack: (inputs, { dim }) => stack(inputs, dim),
  cat: (inputs, { dim }) => cat(inputs, dim),
  pad: unary((x, { padding = [], value }) => x.pad(padding, value)),
  padMode: unary((x, { padding = [], mode }) => x.pad(padding, mode)),
  view: unary((x, { sizes = [] }) => x.view(...sizes)),
  movedim: unary((x, { from = 0, to = 0 }) => x.movedim(from, to)),
  roll: unary((x, { shifts = 0, dims }) => x.roll(shifts, dims)),
  repeat: unary((x, { sizes = [] }) => x.repeat(...sizes)),
  repeatInterleave: unary((x, { size = 0, dim }) => x.repeatInterleave(size, dim)),
  tril: unary((x, { diagonal }) => x.tril(diagonal)),
  triu: unary((x, { diagonal }) => x.triu(diagonal)),
  maskedFill: ([x, mask], { value = 0 }) => required(x).maskedFill(required(mask), value),
  scatter: ([x, index, source], { dim = 0 }) =>
    required(x).scatter(dim, required(index), required(source)),
  scatterNumber: ([x, index], { dim = 0, value = 0 }) =>
    required(x).scatter(dim, required(index), value),
  scatterAdd: ([x, index, source], { dim = 0 }) =>
    required(x).scatterAdd(dim, required(index), required(source)),
  indexAdd: ([x, index, source], { dim = 0, value }) =>
    required(x).indexAdd(dim, required(index), required(source), value),
  gather: ([x, index], args) => swapped(required(x), args).gather(args.dim ?? 0, required(index)),
};

compareWithTorch("arranging", OPERATIONS);

const index = tensor([1, 3, 1], { dtype: "int32" });
const columns = index.slice([0, 2]).unsqueeze(1).expand(2, 5);

const CURVED: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  slice: x =>
    x
      .slice([1], [null, null, 2])
      .pow(3)
      .sum()
      .add(x.flip(0).slice(0, [1]).pow(3).sum()),
  pad: x => x.pad([1, -1, 0, 2], 0.5).pow(3).sum(),
  joined: (a, b) =>
    cat([a, b.roll(1, 1)])
      .pow(3)
      .sum(),
  repeat: x => x.repeat(2, 1).mul(x.repeatInterleave(2, 0)).pow(2).sum(),
  triangles: x => x.tril().pow(3).add(x.triu(1).pow(2)).sum().add(x.diagonal().pow(3).sum()),
  scatter: (a, b) => a.scatter(0, columns, b).pow(3).sum(),
  scatterAdd: (a, b) => a.indexAdd(0, index, b).pow(3).sum(),
};

compareCurvature("arranging-curvature", CURVED);
