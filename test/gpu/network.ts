import { nn, noGrad, optim, type Tensor } from "../../runtime/index.ts";
import { decode, type Encoded, required } from "./fixture.ts";

/** Linear layers of these sizes with an activation between each two. */
export function network(sizes: readonly number[], activation: () => nn.Module): nn.Sequential {
  const layers: nn.Module[] = [];
  for (let i = 1; i < sizes.length; i++) {
    if (i > 1) layers.push(activation());
    layers.push(new nn.Linear(sizes[i - 1] ?? 0, sizes[i] ?? 0));
  }
  return new nn.Sequential(...layers);
}

/** Gives a model the parameters of a fixture. */
export function load(model: nn.Module, state: Readonly<Record<string, Encoded>>): void {
  noGrad(() => {
    for (const [name, parameter] of model.namedParameters()) {
      parameter.copy_(decode(required(state[name])));
    }
  });
}

/** Makes an optimizer of a fixture. */
export function makeOptimizer(
  kind: string,
  parameters: Tensor[],
  options: Partial<optim.SGDOptions>,
) {
  if (kind === "SGD") return new optim.SGD(parameters, options);
  if (kind === "Adam") return new optim.Adam(parameters, options);
  return new optim.AdamW(parameters, options);
}
