/** Hessian-vector products of small expressions against PyTorch: gradients are graph, too. */
import { nn, type Tensor, tensor } from "../../runtime/index.ts";
import { compareCurvature } from "./cases.ts";

const labels = tensor([2, 0, 1, 1], { dtype: "int32" });

const EXPRESSIONS: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  sumTanhSquared: x => x.tanh().square().sum(),
  sumExp: x => x.exp().sum(),
  sumSigmoid: x => x.sigmoid().sum(),
  sumGelu: x => x.gelu().sum(),
  sumGeluTanh: x => x.gelu("tanh").sum(),
  cube: x => x.pow(3).sum(),
  xLogX: x => x.mul(x.log()).sum(),
  quotient: (a, b) => a.div(b).sum(),
  sqrtOfSum: x => x.square().sum().sqrt(),
  meanTimesMax: x => x.mean().mul(x.amax()),
  softmaxSquared: x => x.softmax(1).square().sum(),
  logSoftmaxPicked: x =>
    x
      .logSoftmax(1)
      .indexSelect(1, tensor([1], { dtype: "int32" }))
      .sum()
      .neg(),
  crossEntropy: x => nn.functional.crossEntropy(x, labels),
  tanhLayer: (a, w) => a.matmul(w).tanh().square().mean(),
  broadcast: (a, b) => a.mul(b).square().sum(),
};

compareCurvature("second-derivatives", EXPRESSIONS);
