/** The public namespace `autograd`: PyTorch's `torch.autograd`. */
export {
  type BackwardOptions,
  type GradHook,
  type GradOptions,
  grad,
} from "./autograd.ts";
export { AutogradFunction as Function, type FunctionContext } from "./function.ts";
export { hvp } from "./hessian.ts";
