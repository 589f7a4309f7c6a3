/** What scenarios train: data, a model for them, and a loss. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import {
  nn,
  noGrad,
  rand,
  randint,
  randn,
  type Tensor,
  tensor,
  where,
} from "../../../../runtime/index.ts";

/** A model that makes predictions of inputs. */
export type Model = nn.Module<[Tensor], Tensor>;

/** Samples, one a row. */
export interface Samples {
  readonly inputs: Tensor;
  readonly targets: Tensor;
}

export interface Task extends Samples {
  readonly loss: (predictions: Tensor, targets: Tensor) => Tensor;
}

const cross = (scores: Tensor, labels: Tensor) => nn.functional.crossEntropy(scores, labels);
const squared = (predictions: Tensor, targets: Tensor) =>
  nn.functional.mseLoss(predictions, targets);

let digitRows: readonly (readonly number[])[] | undefined;

/** Handwritten digits, pixels from −1 to 1, times `scale` plus `shift`. */
export function digits({ scale = 1, shift = 0, from = 0, to = 1500 } = {}): Task {
  const file = new URL("../../../../examples/data/digits.csv.gz", import.meta.url);
  digitRows ??= gunzipSync(readFileSync(file))
    .toString()
    .trim()
    .split("\n")
    .map(line => line.split(",").map(Number));
  const rows = digitRows.slice(from, to);
  const pixels = rows.map(row => row.slice(0, 64).map(pixel => (pixel / 8 - 1) * scale + shift));
  const labels = rows.flatMap(row => row.slice(64));
  return {
    inputs: tensor(pixels).keep(),
    targets: tensor(labels, { dtype: "int32" }).keep(),
    loss: cross,
  };
}

/** The digits themselves as what is to be said of them. */
export function images(): Task {
  const { inputs } = digits();
  return { inputs, targets: inputs, loss: squared };
}

/** Digits of which a part has a label by chance. */
export function mislabelled(part: number): Task {
  const { inputs, targets, loss } = digits();
  const others = randint(0, 10, targets.shape);
  return { inputs, loss, targets: where(rand(targets.shape).lt(part), others, targets).keep() };
}

/** A line through points whose directions have spreads from 1 to 1/√κ, with noise on what is measured. */
export function linear({ size = 20, count = 400, condition = 100, noise = 0.1 } = {}): Task {
  const spreads = Array.from({ length: size }, (_, i) => condition ** (-i / (2 * (size - 1))));
  const inputs = randn([count, size]).mul(tensor(spreads)).keep();
  const targets = inputs
    .matmul(randn([size, 1]))
    .add(randn([count, 1]).mul(noise))
    .keep();
  return { inputs, targets, loss: squared };
}

/** Two classes on the sides of a plane, some of them on the wrong one. */
export function sides({ size = 20, count = 400, wrong = 0.1 } = {}): Task {
  const inputs = randn([count, size]).keep();
  const right = inputs
    .matmul(randn([size, 1]))
    .squeeze(1)
    .gt(0)
    .to("int32");
  const targets = where(rand([count]).lt(wrong), right.mul(-1).add(1), right)
    .to("int32")
    .keep();
  return { inputs, targets, loss: cross };
}

/** What another network says. */
export function teacher({ size = 16, count = 600, noise = 0, scale = 1 } = {}): Task {
  const model = new nn.Sequential(new nn.Linear(size, 32), new nn.Tanh(), new nn.Linear(32, 1));
  const inputs = randn([count, size]).keep();
  const said = noGrad(() => model.forward(inputs) as Tensor).mul(5);
  return {
    inputs,
    targets: said
      .add(randn([count, 1]).mul(noise))
      .mul(scale)
      .keep(),
    loss: squared,
  };
}

/** Entries of a matrix of rank 4 by their row and column. */
export function matrix(size = 40): Task {
  const all = randn([size, 4]).matmul(randn([4, size]));
  const inputs = tensor(
    Array.from({ length: size * size }, (_, i) => [Math.floor(i / size), i % size]),
    { dtype: "int32" },
  ).keep();
  return { inputs, targets: all.reshape([size * size, 1]).keep(), loss: squared };
}

/** Letters of a text, and each one's next, `length` at a time. */
export function letters(length: number, count = 1200): Task & { readonly kinds: number } {
  const file = fileURLToPath(import.meta.resolve("@types/vscode/index.d.ts"));
  const text = readFileSync(file, "utf8").slice(2000, 2000 + count * 8);
  const alphabet = [...new Set(text)].sort();
  const codes = [...text].map(letter => alphabet.indexOf(letter));
  const starts = Array.from({ length: count }, (_, i) => i * 7);
  const windows = starts.map(start => codes.slice(start, start + length + 1));
  return {
    inputs: tensor(
      windows.map(window => window.slice(0, length)),
      { dtype: "int32" },
    ).keep(),
    targets: tensor(
      windows.map(window => window.slice(1)),
      { dtype: "int32" },
    ).keep(),
    loss: (scores, next) => cross(scores.reshape([-1, alphabet.length]), next.reshape([-1])),
    kinds: alphabet.length,
  };
}
