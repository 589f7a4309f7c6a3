/**
 * Random numbers, counter-based: each call takes the next stream of the seed, so that the same
 * script gives the same numbers.
 */
import { takePart } from "../checkpoint/parts.ts";
import { recordNode } from "../graph/graph.ts";
import { hostNode, Node } from "../graph/node.ts";
import { observer } from "../insight/observer.ts";
import { internOp, isFloat } from "../kernels/op.ts";
import type { CreationArguments } from "./creation.ts";
import { creation } from "./creation.ts";
import { cast } from "./elementwise.ts";
import { philoxBlock } from "./philox.ts";
import type { Shape } from "./shape.ts";
import { numel } from "./shape.ts";
import { Tensor } from "./tensor.ts";

type Distribution = "uniform" | "normal";

/** Where the random numbers stand. */
const state = {
  seed: 0,
  /** Added to what `manualSeed` is given. */
  offset: 0,
  /** The stream that the next random numbers take. */
  stream: 0,

  capture() {
    const then = getRngState();
    return () => setRngState(then);
  },
};
takePart(state);

/** Seeds every random number from here on: PyTorch's `torch.manual_seed`. */
export function manualSeed(value: number): void {
  if (!Number.isInteger(value)) {
    throw new TypeError(`manualSeed: expects an integer, got ${value}`);
  }
  state.seed = (value + state.offset) >>> 0;
  state.stream = 0;
  observer()?.seed(state.seed);
}

/** From now on a script that sets its seed has one that is so much larger. @internal */
export function offsetSeeds(offset: number): void {
  state.offset = offset;
}

/** The seed in force. */
export function initialSeed(): number {
  return state.seed;
}

/** The stream that the next random numbers take. @internal */
export function randomStream(): number {
  return state.stream;
}

/** Runs `fn` with the random numbers that begin at a stream, once more. @internal */
export function withRandomStream<T>(stream: number, fn: () => T): T {
  const after = state.stream;
  state.stream = stream;
  try {
    return fn();
  } finally {
    state.stream = after;
  }
}

/** The state of the random numbers, plain data: PyTorch's `torch.get_rng_state`. */
export function getRngState(): RandomStream {
  return { seed: state.seed, stream: state.stream };
}

/** Goes on where `getRngState` was called: PyTorch's `torch.set_rng_state`. */
export function setRngState({ seed, stream }: RandomStream): void {
  state.seed = seed;
  state.stream = stream;
}

/** Names random numbers, from which they can be drawn again. */
export interface RandomStream {
  readonly seed: number;
  readonly stream: number;
}

/** The next stream. @internal */
export function takeStream(): RandomStream {
  return { seed: state.seed, stream: state.stream++ };
}

/** A generator for host code (shuffling): numbers in [0, 1), of the next stream or of one named. */
export function hostGenerator({ seed, stream } = takeStream()): () => number {
  let i = 0;
  let block: readonly number[] = [];
  return () => {
    const at = i++ & 3;
    if (at === 0) block = philoxBlock(i >>> 2, seed, stream);
    return block[at] ?? 0;
  };
}

/** Uniform numbers in [0, 1). */
export function rand(...args: CreationArguments): Tensor {
  return drawn("rand", "uniform", args);
}

/** Numbers of the standard normal distribution. */
export function randn(...args: CreationArguments): Tensor {
  return drawn("randn", "normal", args);
}

function drawn(op: string, distribution: Distribution, args: CreationArguments): Tensor {
  const { shape, options } = creation(args, op);
  const { dtype = "float32" } = options;
  if (!isFloat(dtype)) {
    throw new TypeError(`${op}: makes floating-point numbers, not ${dtype}. Use randint()`);
  }
  const result = cast(random(distribution, shape), dtype);
  return options.requiresGrad ? result.requiresGrad_() : result;
}

/** Uniform numbers in [low, high). */
export function uniform(shape: Shape, low: number, high: number): Tensor {
  if (numel(shape) > HOST_LIMIT)
    return random("uniform", shape)
      .mul(high - low)
      .add(low);
  const next = hostGenerator();
  const data = Float32Array.from({ length: numel(shape) }, () => low + (high - low) * next());
  return new Tensor(hostNode(data, shape, "float32"));
}

/**
 * Initial parameters up to this size are drawn on the host: a kernel for each of their shapes takes
 * longer to compile than they take to draw.
 */
const HOST_LIMIT = 1 << 20;

/** Float32 numbers of a shape, from the next stream. @internal */
export function random(distribution: Distribution, shape: Shape): Tensor {
  const op = internOp({ kind: "random", distribution }, shape, "float32");
  return new Tensor(recordNode(new Node(op, [], [state.seed | 0, state.stream++])));
}
