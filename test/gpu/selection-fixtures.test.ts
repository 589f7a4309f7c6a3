/** Elements that a condition picks, dtypes, and what the other fixtures leave out, against PyTorch. */
import { compareWithTorch, type Operation, unary } from "./cases.ts";
import { required } from "./fixture.ts";

interface Arguments {
  readonly dim?: number;
  readonly dims?: number[];
  readonly keepdim?: boolean;
  readonly descending?: boolean;
  readonly sizes?: number[];
  readonly from?: number;
  readonly to?: number;
}

const OPERATIONS: Record<string, Operation<Arguments>> = {
  nonzero: ([x]) => required(x).nonzero(),
  maskedSelect: ([x, mask]) => required(x).maskedSelect(required(mask)),
  argmin: unary((x, { dim, keepdim }) => x.argmin(dim, keepdim)),
  argsort: unary((x, { dim, descending }) => x.argsort(dim, descending)),
  logsumexp: unary((x, { dims = [], keepdim }) => x.logsumexp(dims, keepdim)),
  unflatten: unary((x, { dim = 0, sizes = [] }) => x.unflatten(dim, sizes)),
  swapaxes: unary((x, { from = 0, to = 0 }) => x.swapaxes(from, to)),
  expandAs: ([x, other]) => required(x).expandAs(required(other)),
  clone: unary(x => x.transpose(0, 1).clone()),
  int: unary(x => x.int()),
  long: unary(x => x.long()),
  bool: unary(x => x.bool()),
  float: unary(x => x.float()),
  to: unary(x => x.to("int32")),
};

compareWithTorch("selection", OPERATIONS);
