/** What the fresh families train on. */
import {
  arange,
  multinomial,
  nn,
  noGrad,
  oneHot,
  rand,
  randn,
  stack,
  tensor,
} from "../../../../runtime/index.ts";
import { digits, type Task } from "./task.ts";

const WINDOW = 16;

const squared: Task["loss"] = (said, is) => nn.functional.mseLoss(said, is);

/** The next value of a noisy sum of waves, from the last ones. */
export function waves(count = 800, loss: Task["loss"] = squared): Task {
  const times = arange(count + WINDOW);
  const series = times
    .mul(0.31)
    .sin()
    .add(times.mul(0.083).sin())
    .add(randn([count + WINDOW]).mul(0.1))
    .keep();
  const columns = Array.from({ length: WINDOW }, (_, i) => series.narrow(0, i, count));
  return {
    inputs: stack(columns, 1).keep(),
    targets: series.narrow(0, WINDOW, count).reshape([count, 1]).clone().keep(),
    loss,
  };
}

/** Points on three arms of a spiral, and which one. */
export function spiral(count = 600): Task {
  const arms = Array.from({ length: count }, (_, i) => i % 3);
  const radii = rand([count]).sqrt();
  const angles = tensor(arms)
    .mul((2 * Math.PI) / 3)
    .add(radii.mul(4))
    .add(randn([count]).mul(0.15));
  return {
    inputs: stack([angles.cos().mul(radii), angles.sin().mul(radii)], 1).keep(),
    targets: tensor(arms, { dtype: "int32" }).keep(),
    loss: (scores, labels) => nn.functional.crossEntropy(scores, labels),
  };
}

/** The product of three of ten signs: a plateau, then a drop. */
export function parity(count = 400): Task {
  const signs = rand([count, 10]).gt(0.5).to("float32").mul(2).sub(1).keep();
  const [a, b, c] = [0, 1, 2].map(i => signs.narrow(1, i, 1));
  if (!a || !b || !c) throw new RangeError("there are ten");
  return {
    inputs: signs,
    targets: a.mul(b).mul(c).clone().keep(),
    loss: squared,
  };
}

/** Words, `length` at a time, most of them rare (Zipf), and the mean of what they stand for. */
export function words(kinds = 1000, count = 1200, length = 8): Task {
  const shares = tensor(Array.from({ length: kinds }, (_, i) => 1 / (i + 1)));
  const inputs = multinomial(shares, count * length, true)
    .reshape([count, length])
    .to("int32")
    .keep();
  const values = randn([kinds, 1]).keep();
  const meant = noGrad(() => nn.functional.embedding(inputs, values).mean(1));
  return {
    inputs,
    targets: meant.mul(3).keep(),
    loss: squared,
  };
}

/** Each class of the digits by itself. */
export function digitsOneByOne(): Task {
  const { inputs, targets } = digits();
  const ones = oneHot(targets, 10).to("float32").keep();
  const loss = nn.functional.binaryCrossEntropyWithLogits;
  return { inputs, targets: ones, loss: (scores, is) => loss(scores, is) };
}
