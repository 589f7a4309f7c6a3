/**
 * The first value of a step that is not finite: every operation of the step is computed once more, one
 * by one, and from what is not finite in the end the way goes back to where it began.
 */
import { OwnArena } from "../../graph/arena.ts";
import { flush } from "../../graph/graph.ts";
import { type Node, rememberPlaces } from "../../graph/node.ts";
import { rebuild } from "../../graph/rebuild.ts";
import { opName } from "../../kernels/op.ts";
import type { NonFiniteSource } from "../../protocol/loopFault.ts";
import { withGrad } from "../../tensor/autograd.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { observer } from "../observer.ts";
import type { HeldStep, StepMemory } from "./heldStep.ts";
import type { StepOperations } from "./stepLoss.ts";

/** What a value holds. */
interface Content {
  readonly elements: number;
  readonly nan: number;
  readonly infinite: number;
  /** Of the finite elements; NaN where there are none. */
  readonly low: number;
  readonly high: number;
}

/** Where it began, and what is to be said of it. */
export interface NonFiniteOrigin {
  readonly source: NonFiniteSource;
  /** The value, to find its place in the script by. */
  readonly node: Node;
}

const ANOTHER_WAY =
  "Where the numbers cease to be finite could not be found: the steps that were taken once more went another " +
  "way than before. What a script counts by itself does not go back; what its data loader hands out does.";

/**
 * @param held the step, whose parameters were finite before it.
 * @returns undefined where all is finite when it is computed in this way.
 */
export async function findNonFinite(held: HeldStep): Promise<NonFiniteOrigin | undefined> {
  const operations = held.loss.operations(held.before);
  const contents = new Contents(operations);
  try {
    for (const root of [operations.value, ...operations.gradient]) {
      if (!isAllFinite(await contents.of(root)))
        return await contents.originOf(root, operations.value);
    }
    return undefined;
  } finally {
    contents.free();
  }
}

/** The contents of the values of a step, each computed when it is first asked for. */
class Contents {
  readonly #operations: StepOperations;
  readonly #known = new Map<Node, Content>();
  readonly #made = new Map<Node, boolean>();
  readonly #arena = new OwnArena();

  constructor(operations: StepOperations) {
    this.#operations = operations;
  }

  /** Computes what is behind a value, then the value. */
  async of(root: Node): Promise<Content> {
    for (const node of this.#inOrder(root)) {
      if (!this.#known.has(node)) this.#known.set(node, await this.#compute(node));
    }
    return this.#contentOf(root);
  }

  /** Goes back from a value that is not finite, and computed, to the first one. */
  async originOf(root: Node, loss: Node): Promise<NonFiniteOrigin> {
    let node = root;
    for (let next = this.#cause(node); next; next = this.#cause(node)) node = next;
    if (this.#operations.parameters.includes(node)) throw new Error(ANOTHER_WAY);
    const isForward = this.#inOrder(loss).includes(node);
    const { elements, nan, infinite } = this.#contentOf(node);
    const inputs = this.#inputsOf(node).map(input => {
      const { low, high } = this.#contentOf(input);
      return { low, high };
    });
    const { op, host } = node;
    const isGiven = host !== undefined || op.kind === "leaf";
    return {
      node,
      source: {
        operation: isGiven ? undefined : opName(op),
        shape: op.shape,
        elements,
        nan,
        infinite,
        inputs,
        phase: isForward ? "forward" : "backward",
      },
    };
  }

  free(): void {
    this.#arena.free();
  }

  /** The input to which what is not finite in a value goes back; undefined where it began. */
  #cause(node: Node): Node | undefined {
    const inputs = this.#inputsOf(node);
    const has = (what: "nan" | "infinite") => inputs.find(each => this.#contentOf(each)[what] > 0);
    const infinite = has("infinite");
    // A mask is infinite on purpose.
    return has("nan") ?? (infinite && this.#isMade(infinite) ? infinite : undefined);
  }

  /** Whether an operation made a value infinite, and nobody wrote it so. */
  #isMade(node: Node): boolean {
    const known = this.#made.get(node);
    if (known !== undefined) return known;
    const inputs = this.#inputsOf(node);
    const infinite = inputs.filter(each => this.#contentOf(each).infinite > 0);
    const isFirst = inputs.length > 0 && infinite.length === 0;
    const isMade = isFirst || infinite.some(each => this.#isMade(each));
    this.#made.set(node, isMade);
    return isMade;
  }

  #contentOf(node: Node): Content {
    return this.#known.get(node) ?? UNKNOWN;
  }

  /** The values behind one, each behind its inputs, and it itself at last. */
  #inOrder(root: Node): readonly Node[] {
    const order = new Set<Node>();
    const visit = (node: Node): void => {
      if (order.has(node)) return;
      for (const input of this.#inputsOf(node)) visit(input);
      order.add(node);
    };
    visit(root);
    return [...order];
  }

  #inputsOf(node: Node): readonly Node[] {
    if (node.host || node.op.kind === "leaf") return [];
    return this.#operations.origins.of(node) ?? node.inputs;
  }

  async #compute(node: Node): Promise<Content> {
    const { origins, substitutes } = this.#operations;
    if (node.op.kind === "scalar") return contentOf(node.scalars);
    if (node.host) return contentOf(node.host);
    const [made] = this.#arena.run(() =>
      withGrad(false, () => {
        const [value] = rebuild([node], origins, substitutes);
        const tensor = value && new Tensor(value).keep();
        flush();
        return [tensor];
      }),
    );
    if (!made) return UNKNOWN;
    // From here on the value is computed from this one.
    substitutes.set(node.storage ?? node, made.node);
    return contentOf(await made.data());
  }
}

const UNKNOWN: Content = {
  elements: 0,
  nan: 0,
  infinite: 0,
  low: Number.NaN,
  high: Number.NaN,
};

function isAllFinite({ nan, infinite }: Content): boolean {
  return nan + infinite === 0;
}

function contentOf(values: ArrayLike<number>): Content {
  let [nan, infinite, low, high] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (Number.isNaN(value)) nan++;
    else if (!Number.isFinite(value)) infinite++;
    else {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  const isEmpty = low > high;
  return {
    elements: values.length,
    nan,
    infinite,
    low: isEmpty ? Number.NaN : low,
    high: isEmpty ? Number.NaN : high,
  };
}

/** Finds the first value that is not finite in a step of a loop that is held behind it. */
export class NonFiniteLocator {
  readonly #memory: StepMemory;
  #places = new WeakMap<Node, Error>();

  constructor(memory: StepMemory) {
    this.#memory = memory;
  }

  /** The next step is the one: remembers from which lines its operations come. */
  arm(): void {
    this.#places = new WeakMap();
    rememberPlaces(this.#places);
  }

  /** The operations of the step are recorded. */
  disarm(): void {
    rememberPlaces(undefined);
  }

  /**
   * Looks for the first value of step `step` that is not finite.
   * @returns tells the observer of it.
   * @throws Error that says why it cannot be found.
   */
  async find(step: number): Promise<() => void> {
    const origin = await findNonFinite(this.#memory.step);
    if (!origin) throw new Error(ANOTHER_WAY);
    const at = this.#places.get(origin.node) ?? new Error("no place is known");
    return () => observer()?.fault({ type: "nonFinite", ...origin.source }, step, at);
  }
}
