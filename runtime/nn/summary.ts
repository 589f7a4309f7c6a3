import { noGrad } from "../tensor/autograd.ts";
import { formatShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { hookAfter } from "./hooks.ts";
import type { AnyModule, Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/**
 * A table of a model as text: its layers, the shapes of their outputs for these inputs, and the
 * numbers of their parameters. The model runs once in evaluation mode, and nothing in it changes.
 */
export function summary<Inputs extends unknown[], Output>(
  model: Module<Inputs, Output>,
  ...inputs: Inputs
): string {
  const outputs = observeOutputs(model, inputs);
  const rows = model.namedModules().map(([name, module]) => {
    const own = module.members().flatMap(([, value]) => (value instanceof Parameter ? value : []));
    return [
      `${name} (${module.constructor.name})`.trimStart(),
      outputs.get(module) ?? "not used",
      own.length > 0 ? grouped(elements(own)) : "",
    ];
  });
  const parameters = model.parameters();
  const learned = parameters.filter(({ requiresGrad }) => requiresGrad);
  return [
    ...table([["layer", "output", "parameters"], ...rows]),
    `${grouped(elements(parameters))} parameters, ${grouped(elements(learned))} of them learned`,
  ].join("\n");
}

/** Runs the model, and tells what came out of each layer last. */
function observeOutputs<Inputs extends unknown[], Output>(
  model: Module<Inputs, Output>,
  inputs: Inputs,
): ReadonlyMap<AnyModule, string> {
  const outputs = new Map<AnyModule, string>();
  const modes = model.namedModules().map(([, module]) => ({ module, training: module.training }));
  const hooks = modes.map(({ module }) =>
    hookAfter(module, (_, __, output) => void outputs.set(module, shapes(output))),
  );
  try {
    model.eval();
    noGrad(() => model.forward(...inputs));
  } finally {
    for (const hook of hooks) hook.remove();
    for (const { module, training } of modes) module.training = training;
  }
  return outputs;
}

function shapes(output: unknown): string {
  if (output instanceof Tensor) return formatShape(output.shape);
  return Array.isArray(output) ? output.map(shapes).join(", ") : typeof output;
}

function elements(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, { numel }) => sum + numel, 0);
}

/** 1,234,567 */
function grouped(count: number): string {
  return count.toLocaleString("en-US");
}

/** Rows with columns of equal width; numbers, in the last one, end at the same place. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1, 2].map(i => Math.max(...rows.map(row => row[i]?.length ?? 0)));
  return rows.map(row =>
    row
      .map((cell, i) => (i === 2 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
