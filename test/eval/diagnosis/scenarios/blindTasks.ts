/** What the blind families train on. */
import {
  arange,
  bernoulli,
  cat,
  maximum,
  nn,
  noGrad,
  rand,
  randint,
  randn,
  randperm,
  stack,
  type Tensor,
  tensor,
  where,
} from "../../../../runtime/index.ts";
import { digits, type Task } from "./task.ts";

const { binaryCrossEntropyWithLogits, crossEntropy, mseLoss, smoothL1Loss } = nn.functional;

const cross: Task["loss"] = (scores, labels) => crossEntropy(scores, labels);
const squared: Task["loss"] = (said, is) => mseLoss(said, is);
const binary: Task["loss"] = (scores, is) => binaryCrossEntropyWithLogits(scores, is);

/** What is asked for where the loss needs none. */
const nothing = (count: number) => arange(count).to("float32").unsqueeze(1).mul(0).keep();

/** The columns of samples, each [samples, 1]. */
const columns = (inputs: Tensor) => inputs.split(1, 1);

/** Lengths and widths of three kinds of flowers in centimetres, and which kind. */
export function flowers(count = 150): Task {
  const means = tensor([
    [5, 3.4, 1.5, 0.25],
    [5.9, 2.8, 4.3, 1.3],
    [6.6, 3, 5.6, 2],
  ]);
  const spreads = tensor([
    [0.35, 0.38, 0.17, 0.1],
    [0.52, 0.31, 0.47, 0.2],
    [0.64, 0.32, 0.55, 0.27],
  ]);
  const labels = randint(0, 3, [count]).to("int32").keep();
  const away = randn([count, 4]).mul(spreads.indexSelect(0, labels));
  return {
    inputs: means.indexSelect(0, labels).add(away).keep(),
    targets: labels,
    loss: cross,
  };
}

/** A sine by the powers of where it is, as they are. */
export function powers(count = 1000): Task {
  const at = rand([count, 1])
    .sub(0.5)
    .mul(2 * Math.PI)
    .keep();
  return {
    inputs: cat([at, at.square(), at.pow(3)], 1).keep(),
    targets: at.sin().keep(),
    loss: squared,
  };
}

/** Payments, a few of which are frauds; each of these counts as much as ten others. */
export function frauds(count = 2000): Task {
  const inputs = cat([randn([count, 9]), randn([count, 3]).exp().sub(1.6)], 1).keep();
  const scores = inputs.matmul(randn([12, 1]).div(2)).sub(4.5);
  const posWeight = tensor([10]).keep();
  return {
    inputs,
    targets: bernoulli(scores.sigmoid()).keep(),
    loss: (said, is) => binaryCrossEntropyWithLogits(said, is, { posWeight }),
  };
}

/** How many bicycles are lent in an hour, by the time of the day and the weather (Poisson). */
export function rentals(count = 1500): Task {
  const hours = rand([count, 1]).mul(2 * Math.PI);
  const inputs = cat(
    [hours.sin(), hours.cos(), rand([count, 1]).lt(0.3).to("float32"), randn([count, 2])],
    1,
  ).keep();
  const logs = inputs
    .matmul(tensor([[-0.6], [-0.9], [0.3], [0.5], [-0.2]]))
    .add(1.5)
    .clamp(null, 3.5);
  // Many rare chances are as good as Poisson's law.
  const chances = 200;
  const happened = rand([count, chances]).lt(logs.exp().div(chances)).to("float32");
  return {
    inputs,
    targets: happened.sum(1, true).keep(),
    loss: (said, is) => said.exp().sub(said.mul(is)).mean(),
  };
}

/** Two words, half of the time of the same text, and whether they are (word2vec, negative samples). */
export function wordPairs(count = 3000, topics = 6, each = 10): Task {
  const topic = randint(0, topics, [count]).mul(each).keep();
  const word = topic.add(randint(0, each, [count]));
  const near = topic.add(randint(0, each, [count]));
  const any = randint(0, topics * each, [count]);
  const isNear = rand([count]).gt(0.5).keep();
  return {
    inputs: stack([word, where(isNear, near, any)], 1)
      .to("int32")
      .keep(),
    targets: isNear.to("float32").unsqueeze(1).keep(),
    loss: binary,
  };
}

/** A digit, another of the same class, and one of another class. */
export function triplets(): Task {
  const { inputs, targets } = digits();
  const count = inputs.shape[0] ?? 0;
  // Sorted by class the neighbour is of the same one, and who is far away is not.
  const sorted = targets.argsort().keep();
  const away = arange(count)
    .add(randint(200, count - 200, [count]))
    .remainder(count);
  const order = randperm(count).keep();
  const parts = [sorted, sorted.roll(1), sorted.indexSelect(0, away.to("int32"))].map(chosen =>
    inputs.indexSelect(0, chosen.indexSelect(0, order)),
  );
  return {
    inputs: cat(parts, 1).keep(),
    targets: nothing(count),
    loss: distances => {
      const [near, far] = columns(distances) as [Tensor, Tensor];
      return near.sub(far).add(1).relu().mean();
    },
  };
}

/** Whether digits are even, more than four, prime, and have a loop. */
export function properties(): Task {
  const { inputs, targets } = digits();
  const table = Array.from({ length: 10 }, (_, digit) => [
    digit % 2 === 0 ? 1 : 0,
    digit > 4 ? 1 : 0,
    [2, 3, 5, 7].includes(digit) ? 1 : 0,
    [0, 6, 8, 9].includes(digit) ? 1 : 0,
  ]);
  return { inputs, targets: tensor(table).indexSelect(0, targets).keep(), loss: binary };
}

/** Who rates what, and how many stars of five. */
export function ratings(users = 60, items = 50, count = 2400): Task {
  const [user, item] = [randint(0, users, [count]), randint(0, items, [count])].map(each =>
    each.to("int32").keep(),
  ) as [Tensor, Tensor];
  const likes = randn([users, 3])
    .indexSelect(0, user)
    .mul(randn([items, 3]).indexSelect(0, item));
  const stars = randn([users])
    .mul(0.5)
    .indexSelect(0, user)
    .add(randn([items]).mul(0.6).indexSelect(0, item))
    .add(likes.sum(1).mul(0.4))
    .add(3.5)
    .add(randn([count]).mul(0.4));
  return {
    inputs: stack([user, item], 1).to("int32").keep(),
    targets: stars.round().clamp(1, 5).unsqueeze(1).keep(),
    loss: squared,
  };
}

/** Prices of houses in hundreds of thousands, none above five, a few of them far off. */
export function houses(count = 1200): Task {
  const inputs = randn([count, 8]).keep();
  const [income, age, rooms, north, west] = columns(inputs) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const prices = income
    .mul(0.45)
    .exp()
    .add(rooms.mul(0.2))
    .add(age.square().mul(0.1))
    .sub(north.mul(west).tanh().mul(0.6))
    .add(0.9)
    .add(randn([count, 1]).pow(3).mul(0.1));
  return {
    inputs,
    targets: prices.clamp(0.15, 5).keep(),
    loss: (said, is) => smoothL1Loss(said, is),
  };
}

const QUANTILES = [0.1, 0.5, 0.9];

/** A curve whose noise grows outwards, to say below what a tenth, a half and nine tenths of it are. */
export function quantiles(count = 300): Task {
  const at = rand([count, 1]).mul(6).sub(3).keep();
  const spread = at.abs().mul(0.2).add(0.1);
  const parts = tensor(QUANTILES).keep();
  return {
    inputs: at,
    targets: at
      .sin()
      .add(spread.mul(randn([count, 1])))
      .keep(),
    loss: (said, is) => {
      const above = is.sub(said);
      return maximum(above.mul(parts), above.mul(parts.sub(1))).mean();
    },
  };
}

/** How many numbers a digit is made of in the middle of a variational autoencoder. */
export const CODE = 4;

/** Digits as what is to be said of them, and a code that is to be as if by chance. */
export function codedDigits(): Task {
  const inputs = digits().inputs.add(1).div(2).keep();
  return {
    inputs,
    targets: inputs,
    loss: (said, is) => {
      const [scores, mean, logVariance] = said.split([64, CODE, CODE], 1) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const pixels = binary(scores, is).mul(64);
      const divergence = mean.square().add(logVariance.exp()).sub(logVariance).sub(1);
      return pixels.add(divergence.sum(1).mean().div(2));
    },
  };
}

/** Every digit twice, each time with other noise and other pixels missing: which belong together? */
export function views(): Task {
  const { inputs } = digits();
  const view = () => {
    const kept = rand(inputs.shape).gt(0.25).to("float32");
    return inputs.add(randn(inputs.shape).mul(0.3)).mul(kept);
  };
  return {
    inputs: cat([view(), view()], 1).keep(),
    targets: nothing(inputs.shape[0] ?? 0),
    loss: codes => {
      const [left, right] = codes.chunk(2, 1) as [Tensor, Tensor];
      const own = arange(codes.shape[0] ?? 0).to("int32");
      return cross(left.matmul(right.transpose(0, 1)).div(0.2), own);
    },
  };
}

/** Symbols in a row, and the same backwards. */
export function reversed(kinds = 8, length = 6, count = 1200): Task {
  const rows = randint(0, kinds, [count, length]).to("int32").keep();
  return {
    inputs: rows,
    targets: rows.flip(1).clone().keep(),
    loss: (scores, back) => cross(scores.reshape([-1, kinds]), back.reshape([-1])),
  };
}

/** Signals with noise: a sine, a square wave, a saw and a triangle, and which of them. */
export function signals(count = 800, length = 48): Task {
  const labels = randint(0, 4, [count]).to("int32").keep();
  const speed = rand([count, 1]).mul(0.08).add(0.06);
  const turns = arange(length)
    .to("float32")
    .mul(speed)
    .add(rand([count, 1]))
    .keep();
  const angles = turns.mul(2 * Math.PI);
  const saw = turns.remainder(1).mul(2).sub(1);
  const shapes = stack([angles.sin(), angles.sin().sign(), saw, saw.abs().mul(2).sub(1)], 1);
  const chosen = labels.reshape([count, 1, 1]).expand([count, 1, length]);
  const inputs = shapes.gather(1, chosen.clone()).squeeze(1);
  return {
    inputs: inputs.add(randn([count, length]).mul(0.4)).keep(),
    targets: labels,
    loss: (scores, is) => crossEntropy(scores, is, { labelSmoothing: 0.1 }),
  };
}

/** A plane in each quarter of a square. */
export function patches(count = 800): Task {
  const inputs = rand([count, 2]).mul(2).sub(1).keep();
  const quarter = inputs
    .gt(0)
    .to("int32")
    .mul(tensor([2, 1], { dtype: "int32" }))
    .sum(1);
  const planes = randn([4, 3]).mul(1.5).indexSelect(0, quarter.to("int32"));
  const heights = planes
    .narrow(1, 0, 2)
    .mul(inputs)
    .sum(1, true)
    .add(planes.narrow(1, 2, 1));
  return {
    inputs,
    targets: heights.add(randn([count, 1]).mul(0.05)).keep(),
    loss: squared,
  };
}

/** What is measured of a pendulum that comes to rest. */
export function pendulum(count = 200): Task {
  const times = rand([count, 1]).mul(10).keep();
  const swing = times.mul(1.9).add(0.4).cos().mul(times.mul(-0.15).exp()).mul(1.5);
  return {
    inputs: times,
    targets: swing
      .add(0.2)
      .add(randn([count, 1]).mul(0.05))
      .keep(),
    loss: squared,
  };
}

/** Kinds in each column of `wages`. */
export const WAGE_COLUMNS = [30, 12, 5, 8] as const;

/** Occupation, region, education and age of people, and the logarithm of what they earn in an hour. */
export function wages(count = 1600): Task {
  const chosen = WAGE_COLUMNS.map(kinds => randint(0, kinds, [count]).to("int32").keep());
  const effects = chosen.map((of, i) => randn([WAGE_COLUMNS[i] ?? 1]).indexSelect(0, of));
  const [occupation, region, education, age] = effects as [Tensor, Tensor, Tensor, Tensor];
  const logs = occupation
    .mul(0.4)
    .add(region.mul(0.15))
    .add(education.mul(0.25))
    .add(age.mul(0.2))
    .add(occupation.mul(education).mul(0.15))
    .add(3)
    .add(randn([count]).mul(0.25));
  return {
    inputs: stack(chosen, 1).to("int32").keep(),
    targets: logs.unsqueeze(1).keep(),
    loss: squared,
  };
}

/** Brackets that open and close with letters between, and whether one closes that was not open. */
export function brackets(count = 1000, length = 8): Task {
  const rows = randint(0, 3, [count, length]).to("int32").keep();
  const depth = rows.sub(1).mul(-1).to("float32").cumsum(1);
  return { inputs: rows, targets: depth.amin(1).lt(0).to("int32").keep(), loss: cross };
}

/** Images with a disc or a rectangle and noise, and which pixels belong to it. */
export function shapes(count = 400, size = 12): Task {
  const within = (low: number, high: number) =>
    rand([count, 1, 1])
      .mul(high - low)
      .add(low);
  const [down, right] = [
    arange(size)
      .reshape([1, size, 1])
      .sub(within(3, size - 4))
      .abs(),
    arange(size)
      .reshape([1, 1, size])
      .sub(within(3, size - 4))
      .abs(),
  ];
  const disc = down.square().add(right.square()).lt(within(4, 12));
  const rectangle = down.lt(within(1, 4)).logicalAnd(right.lt(within(1, 4)));
  const isDisc = rand([count, 1, 1]).gt(0.5);
  const mask = where(isDisc, disc.to("float32"), rectangle.to("float32")).flatten(1).keep();
  return {
    inputs: mask.mul(0.8).add(randn(mask.shape).mul(0.4)).keep(),
    targets: mask,
    loss: binary,
  };
}

/** Eight measures of buildings, and how much it takes to heat and to cool them, made standard. */
export function buildings(count = 768): Task {
  const inputs = rand([count, 8]).mul(2).sub(1).keep();
  const [compact, surface, wall, roof, height, side, glass] = columns(inputs) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const heat = height.mul(1.2).tanh().add(glass.mul(wall)).sub(compact.mul(0.5)).add(roof.mul(0.3));
  const cold = heat.mul(0.6).add(side.mul(2).sin().mul(glass)).add(surface.square());
  const noise = randn([count, 2]).mul(0.1);
  return {
    inputs,
    targets: cat([heat, cold.sub(0.3)], 1)
      .add(noise)
      .keep(),
    loss: squared,
  };
}

const CLICK_COLUMNS = [20, 30, 15, 8, 4];

/** Kinds in all columns of `clicks`. */
export const CLICK_KINDS = CLICK_COLUMNS.reduce((sum, kinds) => sum + kinds, 0);

/** Who is shown what where and when, and whether he clicks on it: some go well together. */
export function clicks(count = 3000): Task {
  let before = 0;
  const chosen = CLICK_COLUMNS.map(kinds => {
    const column = randint(before, before + kinds, [count]);
    before += kinds;
    return column;
  });
  const inputs = stack(chosen, 1).to("int32").keep();
  const targets = noGrad(() => {
    const liking = nn.functional.embedding(inputs, randn([CLICK_KINDS, 3]));
    const each = nn.functional.embedding(inputs, randn([CLICK_KINDS, 1])).sum(1);
    const both = liking.sum(1).square().sub(liking.square().sum(1)).sum(1, true);
    return bernoulli(each.mul(0.6).add(both.mul(0.25)).sub(1).sigmoid());
  });
  return { inputs, targets: targets.keep(), loss: binary };
}

/** Fewer digits, of those behind the first. */
export const fewDigits = () => digits({ from: 700, to: 1300 });
