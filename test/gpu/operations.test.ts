/** Every operation and its gradient against PyTorch. */
import { cat, nn, where } from "../../runtime/index.ts";
import { binary, compareWithTorch, type Operation, unary } from "./cases.ts";
import { required } from "./fixture.ts";

interface Arguments {
  readonly value?: number;
  readonly dim?: number | number[];
  readonly keepdim?: boolean;
  readonly shape?: number[];
  readonly dims?: number[];
  readonly reduction?: "mean" | "sum" | "none";
}

const OPERATIONS: Record<string, Operation<Arguments>> = {
  add: binary((a, b) => a.add(b)),
  sub: binary((a, b) => a.sub(b)),
  mul: binary((a, b) => a.mul(b)),
  div: binary((a, b) => a.div(b)),
  pow: binary((a, b) => a.pow(b)),
  maximum: binary((a, b) => a.maximum(b)),
  minimum: binary((a, b) => a.minimum(b)),
  eq: binary((a, b) => a.eq(b)),
  ne: binary((a, b) => a.ne(b)),
  lt: binary((a, b) => a.lt(b)),
  le: binary((a, b) => a.le(b)),
  gt: binary((a, b) => a.gt(b)),
  ge: binary((a, b) => a.ge(b)),
  where: ([cond, x, y]) => where(required(cond), required(x), required(y)),
  addNumber: unary((x, { value = 0 }) => x.add(value)),
  subNumber: unary((x, { value = 0 }) => x.sub(value)),
  mulNumber: unary((x, { value = 0 }) => x.mul(value)),
  divNumber: unary((x, { value = 0 }) => x.div(value)),
  powNumber: unary((x, { value = 0 }) => x.pow(value)),
  neg: unary(x => x.neg()),
  abs: unary(x => x.abs()),
  square: unary(x => x.square()),
  sign: unary(x => x.sign()),
  relu: unary(x => x.relu()),
  tanh: unary(x => x.tanh()),
  sigmoid: unary(x => x.sigmoid()),
  gelu: unary(x => x.gelu()),
  geluTanh: unary(x => x.gelu("tanh")),
  exp: unary(x => x.exp()),
  log: unary(x => x.log()),
  sqrt: unary(x => x.sqrt()),
  reciprocal: unary(x => x.reciprocal()),
  sum: unary((x, { dim, keepdim }) => x.sum(dim, keepdim)),
  mean: unary((x, { dim, keepdim }) => x.mean(dim, keepdim)),
  prod: unary((x, { dim }) => x.prod(single(dim))),
  amax: unary((x, { dim, keepdim }) => x.amax(dim, keepdim)),
  amin: unary((x, { dim, keepdim }) => x.amin(dim, keepdim)),
  argmax: unary((x, { dim }) => x.argmax(single(dim))),
  softmax: unary((x, { dim }) => x.softmax(single(dim) ?? 0)),
  logSoftmax: unary((x, { dim }) => x.logSoftmax(single(dim) ?? 0)),
  matmul: binary((a, b) => a.matmul(b)),
  matmulTransposed: binary((a, b) => a.t().matmul(b.t())),
  reshape: unary((x, { shape = [] }) => x.reshape(...shape)),
  flatten: unary(x => x.flatten()),
  transpose: unary((x, { dims: [a = 0, b = 0] = [] }) => x.transpose(a, b)),
  permute: unary((x, { dims = [] }) => x.permute(...dims)),
  t: unary(x => x.t()),
  unsqueeze: unary((x, { dim }) => x.unsqueeze(single(dim) ?? 0)),
  squeeze: unary((x, { dim }) => x.squeeze(single(dim))),
  expand: unary((x, { shape = [] }) => x.expand(...shape)),
  cat: (inputs, { dim }) => cat(inputs, single(dim) ?? 0),
  transposeReshape: unary(x => x.transpose(0, 1).reshape(6, 4)),
  indexSelect: ([x, index], { dim }) => required(x).indexSelect(single(dim) ?? 0, required(index)),
  gather: ([x, index], { dim }) => required(x).gather(single(dim) ?? 0, required(index)),
  crossEntropy: ([x, y], { reduction }) =>
    nn.functional.crossEntropy(required(x), required(y), reduction ? { reduction } : {}),
  mseLoss: ([x, y], { reduction }) =>
    nn.functional.mseLoss(required(x), required(y), reduction ? { reduction } : {}),
  linear: ([x, weight, bias]) => nn.functional.linear(required(x), required(weight), bias),
  linearNoBias: ([x, weight]) => nn.functional.linear(required(x), required(weight)),
};

compareWithTorch("operations", OPERATIONS);

function single(dim: number | number[] | undefined): number | undefined {
  return Array.isArray(dim) ? dim[0] : dim;
}
