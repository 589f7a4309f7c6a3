/** The state of a model by names, and how it gets into another one. */
import { noGrad } from "../tensor/autograd.ts";
import { formatShape, sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { asCopyOf, noteLoaded } from "../tensor/trained.ts";
import { closest } from "./closest.ts";

/** Parameters and buffers by PyTorch's qualified names, such as `0.weight`. */
export type StateDict = Record<string, Tensor>;

/** Names that a model and a state do not have in common. */
export interface KeyDifferences {
  /** Of the model, not in the state. */
  readonly missingKeys: string[];
  /** Of the state, not in the model. */
  readonly unexpectedKeys: string[];
}

/** Copies of tensors as they are now: later steps do not reach them. */
export function snapshot(targets: ReadonlyMap<string, Tensor>): StateDict {
  return noGrad(() =>
    Object.fromEntries(
      [...targets].map(([name, tensor]) => [name, asCopyOf(tensor, tensor.clone().keep())]),
    ),
  );
}

/**
 * Copies a state into tensors of the same names.
 * @param owner what the tensors belong to, for messages.
 * @throws Error with all differences if shapes differ, or if names do and `strict` is set. Nothing
 * was copied then.
 */
export function restore(
  owner: string,
  targets: ReadonlyMap<string, Tensor>,
  state: Readonly<StateDict>,
  strict: boolean,
): KeyDifferences {
  const sources = new Map(Object.entries(state));
  const missingKeys = [...targets.keys()].filter(name => !sources.has(name));
  const unexpectedKeys = [...sources.keys()].filter(name => !targets.has(name));
  const problems = [...targets].flatMap(([name, { shape }]) => {
    const source = sources.get(name);
    if (!source || sameShape(source.shape, shape)) return [];
    const [found, expected] = [formatShape(source.shape), formatShape(shape)];
    return [`size mismatch for ${name}: the state has ${found}, the model ${expected}`];
  });
  if (strict) {
    const named = (names: readonly string[], tensors: ReadonlyMap<string, Tensor>) =>
      names.map(name => `${name} ${formatShape(tensors.get(name)?.shape ?? [])}`);
    const [missing, unexpected] = [named(missingKeys, targets), named(unexpectedKeys, sources)];
    missingKeys.forEach((name, i) => {
      const similar = closest(name, unexpectedKeys);
      const hint = similar === undefined ? "" : `: did you mean ${similar}, which the state has?`;
      problems.push(`missing in the state: ${missing[i]}${hint}`);
    });
    for (const name of unexpected) problems.push(`unexpected in the state: ${name}`);
  }
  if (problems.length > 0) {
    throw new Error(`Error(s) in loading stateDict for ${owner}:\n  ${problems.join("\n  ")}`);
  }
  noGrad(() => {
    for (const [name, target] of targets) {
      const source = sources.get(name);
      if (!source) continue;
      // Kept: a model that only answers would copy its weights anew each time.
      target.copy_(source).keep();
      noteLoaded(target, source);
    }
  });
  return { missingKeys, unexpectedKeys };
}
