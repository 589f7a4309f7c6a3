/** What the families that were blind once train on. */
import {
  arange,
  cat,
  multinomial,
  nn,
  noGrad,
  oneHot,
  rand,
  randint,
  randn,
  randperm,
  stack,
  type Tensor,
  tensor,
  where,
} from "../../../../runtime/index.ts";
import { digits, images, type Task } from "./task.ts";

const cross: Task["loss"] = (scores, labels) => nn.functional.crossEntropy(scores, labels);
const squared: Task["loss"] = (said, is) => nn.functional.mseLoss(said, is);
const absolute: Task["loss"] = (said, is) => nn.functional.l1Loss(said, is);

/** Friedman's first function of five of ten numbers, with noise: 14 on average, as it is or made standard. */
export function friedman({ count = 1000, standard = false, loss = squared } = {}): Task {
  const inputs = rand([count, 10]).keep();
  const [a, b, c, d, e] = [0, 1, 2, 3, 4].map(i => inputs.narrow(1, i, 1));
  if (!a || !b || !c || !d || !e) throw new RangeError("there are ten");
  const raw = a.mul(b).mul(Math.PI).sin().mul(10).add(c.sub(0.5).square().mul(20));
  const targets = raw
    .add(d.mul(10))
    .add(e.mul(5))
    .add(randn([count, 1]));
  return { inputs, targets: (standard ? targets.sub(14).div(5) : targets).keep(), loss };
}

/** Clouds of points, some of which are among each other, and which one. */
export function clouds(kinds = 30, size = 24, count = 1200): Task {
  const middles = randn([kinds, size]).keep();
  const labels = randint(0, kinds, [count]).to("int32").keep();
  const inputs = middles.indexSelect(0, labels).add(randn([count, size]).mul(1.5));
  return { inputs: inputs.keep(), targets: labels, loss: cross };
}

/** Two half moons that reach into each other, and which one. */
export function moons(count = 400): Task {
  const sides = arange(count).remainder(2);
  const angles = rand([count]).mul(Math.PI);
  const signs = sides.mul(-2).add(1);
  const points = stack(
    [angles.cos().mul(signs).add(sides), angles.sin().mul(signs).add(sides.mul(0.5))],
    1,
  );
  const inputs = points.add(randn([count, 2]).mul(0.2)).keep();
  return { inputs, targets: sides.to("int32").keep(), loss: cross };
}

/** Digits with noise, and without. */
export function noisyDigits(): Task {
  const { inputs, loss } = images();
  return { inputs: inputs.add(randn(inputs.shape).mul(0.5)).keep(), targets: inputs, loss };
}

/** The lower half of the digits, from the upper one. */
export function halfDigits(): Task {
  const { inputs } = images();
  return {
    inputs: inputs.narrow(1, 0, 32).clone().keep(),
    targets: inputs.narrow(1, 32, 32).clone().keep(),
    loss: absolute,
  };
}

/** Two digits beside each other, half of the time of the same class, and whether they are. */
export function pairsOfDigits(): Task {
  const { inputs, targets } = digits();
  const order = randperm(inputs.shape[0] ?? 0);
  // Sorted by class nearly every neighbour is of the same one.
  const sorted = targets.argsort();
  const [left, right] = [sorted, sorted.roll(1)];
  const partner = where(rand(sorted.shape).gt(0.5), right, left.indexSelect(0, order));
  const isSame = targets.indexSelect(0, left).eq(targets.indexSelect(0, partner)).to("float32");
  return {
    inputs: cat([inputs.indexSelect(0, left), inputs.indexSelect(0, partner)], 1).keep(),
    targets: isSame.unsqueeze(1).keep(),
    loss: (scores, is) => nn.functional.binaryCrossEntropyWithLogits(scores, is),
  };
}

/** Symbols in a row, and which of them was there most often. */
export function majority(kinds = 5, length = 12, count = 1000): Task {
  const shares = rand([count, kinds]).square().add(0.05);
  const inputs = multinomial(shares, length, true).to("int32").keep();
  const counts = stack(
    Array.from({ length: kinds }, (_, kind) => inputs.eq(kind).to("float32").sum(1)),
    1,
  );
  return { inputs, targets: counts.argmax(1).keep(), loss: cross };
}

/** Symbols in a row, and at each place the one before the last of the same kind: what follows is copied from there. */
export function repeated(kinds = 12, period = 6, count = 1000): Task {
  const motif = randint(0, kinds, [count, period]);
  const twice = cat([motif, motif, motif.narrow(1, 0, 1)], 1).to("int32");
  return {
    inputs: twice
      .narrow(1, 0, 2 * period)
      .clone()
      .keep(),
    targets: twice
      .narrow(1, 1, 2 * period)
      .clone()
      .keep(),
    loss: (scores, next) => cross(scores.reshape([-1, kinds]), next.reshape([-1])),
  };
}

const SYLLABLES = "ka to mi ne ru sol van bri ta ul em qui or fa gle ist xo pyn dor wex".split(" ");

/** Letters of words made of syllables, the first ones often, and the letter behind the last four. */
export async function syllables(
  count = 1500,
): Promise<Task & { readonly kinds: number; readonly length: number }> {
  const shares = tensor(SYLLABLES.map((_, i) => 1 / (i + 1)));
  const drawn = [...(await multinomial(shares, count, true).data())].map(Number);
  const text = drawn.map((at, i) => `${SYLLABLES[at]}${i % 3 === 2 ? " " : ""}`).join("");
  const alphabet = [...new Set(text)].sort();
  const codes = [...text].map(letter => alphabet.indexOf(letter));
  const length = 4;
  const windows = Array.from({ length: count }, (_, i) => codes.slice(i, i + length));
  return {
    inputs: tensor(windows, { dtype: "int32" }).keep(),
    targets: tensor(codes.slice(length, length + count), { dtype: "int32" }).keep(),
    loss: cross,
    kinds: alphabet.length,
    length,
  };
}

/** How often each of many words is in a text, most of them never, and what the text is about. */
export function topics(kinds = 6, words = 300, count = 900, length = 30): Task {
  const labels = randint(0, kinds, [count]).to("int32").keep();
  const habits = randn([kinds, words]).mul(1.5).exp().keep();
  const drawn = multinomial(habits.indexSelect(0, labels), length, true);
  const inputs = noGrad(() => oneHot(drawn, words).to("float32").sum(1));
  return { inputs: inputs.keep(), targets: labels, loss: cross };
}

/** The places of a picture, as waves, and how bright they are. */
export function picture(size = 24): Task {
  const places = Array.from({ length: size * size }, (_, i) => [
    Math.floor(i / size) / size,
    (i % size) / size,
  ]);
  const at = tensor(places);
  const waves = [1, 2, 4].flatMap(factor => {
    const turned = at.mul(2 * Math.PI * factor);
    return [turned.sin(), turned.cos()];
  });
  const bright = places.map(([y = 0, x = 0]) => {
    const ring = Math.hypot(x - 0.4, y - 0.55);
    return [(ring < 0.3 ? 1 : 0) - (x > 0.75 ? 0.5 : 0) + 0.3 * Math.sin(20 * ring)];
  });
  return { inputs: cat(waves, 1).keep(), targets: tensor(bright).keep(), loss: squared };
}

/** Digits, and how likely another model takes each class for them. */
export function taught(): Task {
  const { inputs } = digits();
  const teacher = new nn.Sequential(new nn.Linear(64, 40), new nn.Tanh(), new nn.Linear(40, 10));
  const shares = noGrad(() => (teacher.forward(inputs) as Tensor).mul(4).softmax(1));
  return {
    inputs,
    targets: shares.keep(),
    loss: (scores, is) => nn.functional.klDiv(scores.logSoftmax(1), is, { reduction: "batchmean" }),
  };
}
