/** What the second part of the blind families trains on. */
import { readFileSync } from "node:fs";
import {
  arange,
  bernoulli,
  cat,
  eye,
  nn,
  noGrad,
  oneHot,
  optim,
  rand,
  randint,
  randn,
  randperm,
  stack,
  type Tensor,
  tensor,
  where,
} from "../../../../runtime/index.ts";
import { mlp } from "./models.ts";
import { digits, type Task } from "./task.ts";

const { binaryCrossEntropyWithLogits, crossEntropy, klDiv, l1Loss, mseLoss } = nn.functional;

const cross: Task["loss"] = (scores, labels) => crossEntropy(scores, labels);
const squared: Task["loss"] = (said, is) => mseLoss(said, is);
const absolute: Task["loss"] = (said, is) => l1Loss(said, is);
const binary: Task["loss"] = (scores, is) => binaryCrossEntropyWithLogits(scores, is);

/** What is asked for where the loss needs none. */
const nothing = (count: number) => arange(count).to("float32").unsqueeze(1).mul(0).keep();

/** Waiting times with a mean of one. */
const waits = (count: number) => rand([count, 1]).clamp(1e-6, null).log().neg();

/** What a network by chance says: a function that is not simple. */
function curved(inputs: Tensor, outputs: number): Tensor {
  const size = inputs.shape[1] ?? 1;
  const hidden = inputs.matmul(randn([size, 16]).div(Math.sqrt(size))).mul(1.5);
  return hidden.tanh().matmul(randn([16, outputs]).div(4));
}

/** Which words are in a mail, and whether it is wanted (1) or not (−1), for a margin between them. */
export function mails(words = 120, count = 1200): Task {
  const isWanted = rand([count, 1]).gt(0.4).keep();
  const habits = () => randn([1, words]).mul(0.8).sub(2).sigmoid();
  const shares = where(isWanted, habits(), habits());
  return {
    inputs: bernoulli(shares).keep(),
    targets: isWanted.to("float32").mul(2).sub(1).keep(),
    loss: (said, is) => said.mul(is).neg().add(1).relu().mean(),
  };
}

/** What damages cost in thousands, by what is known of who has them (gamma, by the logarithm of the mean). */
export function claims(count = 1500): Task {
  const inputs = randn([count, 6]).keep();
  const logs = inputs.matmul(tensor([[0.5], [-0.3], [0.2], [0.4], [0], [-0.1]])).add(0.8);
  return {
    inputs,
    targets: logs
      .exp()
      .mul(waits(count).add(waits(count)).div(2))
      .keep(),
    loss: (said, is) => is.mul(said.neg().exp()).add(said).mean(),
  };
}

/** A hilly land by many waves of chance across it (random Fourier features). */
export function hills(waves = 100, count = 1000): Task {
  const places = rand([count, 2]).mul(4).sub(2).keep();
  const turns = rand([waves]).mul(2 * Math.PI);
  const features = places
    .matmul(randn([2, waves]).mul(1.5))
    .add(turns)
    .cos();
  const [x, y] = [places.narrow(1, 0, 1), places.narrow(1, 1, 1)];
  const heights = x.mul(1.5).sin().mul(y.cos()).add(x.mul(y).mul(0.2));
  return {
    inputs: features.mul(Math.sqrt(2)).keep(),
    targets: heights.add(randn([count, 1]).mul(0.1)).keep(),
    loss: squared,
  };
}

const NAMES = (
  "oliver emma noah ava liam sophia ethan mia lucas amelia mason harper logan evelyn james abigail " +
  "aiden ella jackson scarlett henry grace samuel chloe david victoria joseph riley owen aria wyatt " +
  "lily john aubrey jack zoey luke penelope jayden lillian dylan addison levi layla gabriel natalie " +
  "carter camila isaac hannah grayson brooklyn julian zoe mateo nora anthony leah jaxon savannah " +
  "lincoln audrey joshua claire christopher eleanor andrew skylar theodore ellie caleb samantha ryan " +
  "stella asher paisley nathan violet thomas mila leo allison isaiah alexa charles anna josiah hazel " +
  "hudson aaliyah christian ariana hunter lucy connor caroline eli sarah ezra genesis aaron kennedy " +
  "landon sadie adrian gabriella jonathan madelyn nolan adeline jeremiah maya easton autumn elias " +
  "aurora colton piper cameron hailey carson arianna robert kaylee angel ruby maverick serenity " +
  "nicholas eva dominic naomi jaxson nevaeh greyson alice adam luna ian bella austin quinn santiago " +
  "lydia jordan peyton cooper melanie brayden kylie roman aubree evan mackenzie"
).split(" ");

/** Kinds of letters in `names`, with the one that stands for their ends. */
export const NAME_LETTERS = 27;

/** The letters of names, each with the one behind it. */
export function names(): Task {
  const codes = [...`.${NAMES.join(".")}.`].map(letter => (letter === "." ? 0 : codeOf(letter)));
  return {
    inputs: tensor(codes.slice(0, -1), { dtype: "int32" }).keep(),
    targets: tensor(codes.slice(1), { dtype: "int32" }).keep(),
    loss: cross,
  };
}

/** @returns 1 for an a. */
const codeOf = (letter: string) => letter.charCodeAt(0) - 96;

/** How much of something there is that grows until it has no more room. */
export function growth(count = 200): Task {
  const times = rand([count, 1]).mul(10).keep();
  const amounts = times.sub(4.5).mul(1.1).sigmoid().mul(2);
  return {
    inputs: times,
    targets: amounts.add(randn([count, 1]).mul(0.05)).keep(),
    loss: squared,
  };
}

/** Whether one of two is true, but not both. */
export function either(): Task {
  const cases = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ];
  return {
    inputs: tensor(cases).keep(),
    targets: tensor([[0], [1], [1], [0]]).keep(),
    loss: squared,
  };
}

/** Other digits. */
export const otherDigits = () => digits({ from: 200, to: 1700 });

/** Two documents for a question, twelve numbers of each, and whether the first one is to stand above. */
export function rankings(size = 12, count = 1500): Task {
  const [left, right] = [0, 1].map(() => randn([count, size]).keep()) as [Tensor, Tensor];
  const worth = curved(cat([left, right], 0), 1).keep();
  const ahead = worth.narrow(0, 0, count).sub(worth.narrow(0, count, count));
  return {
    inputs: cat([left, right], 1).keep(),
    targets: bernoulli(ahead.mul(6).sigmoid()).keep(),
    loss: binary,
  };
}

/** How long somebody was seen, and whether it ended then: others were lost sight of before. */
export function survival(count = 1200): Task {
  const inputs = randn([count, 8]).keep();
  const until = curved(inputs, 1).mul(1.5).exp().mul(waits(count)).mul(3).keep();
  const seen = rand([count, 1]).mul(8).add(0.5).keep();
  const hasEnded = until.lt(seen).to("float32");
  return {
    inputs,
    targets: cat([until.minimum(seen), hasEnded], 1).keep(),
    loss: (said, is) => {
      const [time, ended] = is.split(1, 1) as [Tensor, Tensor];
      return said.exp().mul(time).sub(said.mul(ended)).mean();
    },
  };
}

/** How warm a month was, day by day, and the four days behind it. */
export function temperatures(count = 900, month = 30, ahead = 4): Task {
  const days = arange(count + month + ahead).to("float32");
  const [last, past] = [days.unsqueeze(0), days.unsqueeze(1)];
  // Every day is much like the one before it.
  const memory = past.sub(last).clamp(0, null).mul(Math.log(0.8)).exp().tril();
  const weather = memory.matmul(randn([days.shape[0] ?? 0, 1])).squeeze(1);
  const season = days.mul((2 * Math.PI) / 365).sin();
  const series = season.mul(1.2).add(weather.mul(0.35)).keep();
  const from = (first: number, length: number) =>
    stack(
      Array.from({ length }, (_, i) => series.narrow(0, first + i, count)),
      1,
    );
  const order = randperm(count).keep();
  return {
    inputs: from(0, month).indexSelect(0, order).keep(),
    targets: from(month, ahead).indexSelect(0, order).keep(),
    loss: squared,
  };
}

/** Images with a spot and noise, and where in them it is. */
export function spots(count = 600, size = 12): Task {
  const places = rand([count, 2]).mul(1.6).sub(0.8).keep();
  const axis = arange(size)
    .to("float32")
    .mul(2 / (size - 1))
    .sub(1)
    .keep();
  const [down, right] = [0, 1].map(i =>
    axis
      .unsqueeze(0)
      .sub(places.narrow(1, i, 1))
      .square()
      .mul(-12)
      .exp(),
  ) as [Tensor, Tensor];
  const images = down.unsqueeze(2).mul(right.unsqueeze(1)).flatten(1);
  return {
    inputs: images.add(randn(images.shape).mul(0.15)).keep(),
    targets: places,
    loss: squared,
  };
}

/** Points of some heaps, some wide and some narrow. How likely does one take them to be? */
export function heaps(kinds = 4, count = 360): Task {
  const chosen = randint(0, kinds, [count]).to("int32").keep();
  const middles = randn([kinds, 2]).mul(2.5).indexSelect(0, chosen);
  const widths = rand([kinds, 1]).add(0.4).indexSelect(0, chosen);
  return {
    inputs: middles.add(randn([count, 2]).mul(widths)).keep(),
    targets: nothing(count),
    loss: said => said.mean().neg(),
  };
}

/** The angles of the three joints of an arm, and where its hand is. */
export function arms(count = 1000): Task {
  const angles = rand([count, 3]).sub(0.5).mul(Math.PI).keep();
  const turned = angles.cumsum(1).keep();
  const lengths = tensor([[1], [0.8], [0.5]]);
  const hand = cat([turned.cos().matmul(lengths), turned.sin().matmul(lengths)], 1);
  return {
    inputs: angles,
    targets: hand.add(randn([count, 2]).mul(0.02)).keep(),
    loss: squared,
  };
}

/** Places on a string, and how strongly it is pulled there: how bent it must be (Poisson's equation). */
export function strings(count = 128): Task {
  const places = rand([count, 1]).keep();
  const pull = places
    .mul(Math.PI)
    .sin()
    .add(places.mul(3 * Math.PI).sin());
  return { inputs: places, targets: pull.mul(-5).keep(), loss: squared };
}

const SONNETS = readFileSync(new URL("./sonnets.txt", import.meta.url), "utf8").toLowerCase();
const SONNET_LETTERS = [...new Set(SONNETS)].sort();

/** Kinds of letters in the sonnets. */
export const SONNET_KINDS = SONNET_LETTERS.length;

/** Pieces of sonnets, and the letters behind each of theirs. */
export function sonnets(length = 12, count = 1200): Task {
  const codes = tensor(
    [...SONNETS].map(letter => SONNET_LETTERS.indexOf(letter)),
    { dtype: "int32" },
  );
  const starts = randint(0, SONNETS.length - length, [count, 1])
    .to("int32")
    .keep();
  const from = (first: number) =>
    codes.indexSelect(
      0,
      starts
        .add(arange(first, first + length))
        .to("int32")
        .flatten(),
    );
  return {
    inputs: from(0).reshape([count, length]).keep(),
    targets: from(1).reshape([count, length]).keep(),
    loss: (scores, next) => cross(scores.reshape([-1, SONNET_KINDS]), next.reshape([-1])),
  };
}

/** Hours on the face of a clock. */
export const HOURS = 17;

/** Two hours, and what time it is when the second one has gone by after the first. */
export function clock(): Task {
  const order = randperm(HOURS * HOURS).keep();
  const [first, second] = [order.div(HOURS).floor(), order.remainder(HOURS)];
  return {
    inputs: stack([first, second], 1).to("int32").keep(),
    targets: first.add(second).remainder(HOURS).to("int32").keep(),
    loss: cross,
  };
}

/** Ten numbers in no order, and how far they are spread. */
export function spreads(count = 1000, size = 10): Task {
  const inputs = randn([count, size])
    .mul(rand([count, 1]).mul(1.5).add(0.2))
    .add(randn([count, 1]))
    .keep();
  return { inputs, targets: inputs.std(1).unsqueeze(1).keep(), loss: squared };
}

const TEMPERATURE = 2;

/** Digits, their labels, and what a larger network that has learned them thinks (Hinton et al. 2015). */
export async function lessons(): Promise<Task> {
  const { inputs, targets, loss } = digits();
  const teacher = mlp([64, 128, 10]);
  const optimizer = new optim.Adam(teacher.parameters(), { lr: 3e-3 });
  for (let step = 0; step < 60; step++) {
    optimizer.zeroGrad();
    loss(teacher.forward(inputs), targets).backward();
    await optimizer.step();
  }
  const thought = noGrad(() => teacher.forward(inputs).div(TEMPERATURE).softmax(1));
  return {
    inputs,
    targets: cat([oneHot(targets, 10).to("float32"), thought], 1).keep(),
    loss: (scores, is) => {
      const [labels, thoughts] = is.chunk(2, 1) as [Tensor, Tensor];
      const soft = klDiv(scores.div(TEMPERATURE).logSoftmax(1), thoughts, {
        reduction: "batchmean",
      });
      return cross(scores, labels)
        .mul(0.3)
        .add(soft.mul(0.7 * TEMPERATURE ** 2));
    },
  };
}

/** Kinds of words in `papers`. */
export const PAPER_WORDS = 30;

/** Papers of three fields by which words are in them and which others they cite, and of which field they are. */
export function papers(fields = 3, count = 180): Task {
  const labels = randint(0, fields, [count]).to("int32").keep();
  const habits = randn([fields, PAPER_WORDS]).mul(0.7).sub(1.5).sigmoid();
  const words = bernoulli(habits.indexSelect(0, labels));
  const isSame = labels.unsqueeze(0).eq(labels.unsqueeze(1)).to("float32");
  const cites = rand([count, count]).lt(isSame.mul(0.06).add(0.005)).to("float32").keep();
  const edges = cites.maximum(cites.transpose(0, 1)).maximum(eye(count)).keep();
  const degrees = edges.sum(1).rsqrt().keep();
  const weights = edges.mul(degrees.unsqueeze(0)).mul(degrees.unsqueeze(1));
  return { inputs: cat([words, weights], 1).keep(), targets: labels, loss: cross };
}

/** Digits, and some words about each, in numbers: which are about which? */
export function captions(size = 12): Task {
  const { inputs } = digits();
  const count = inputs.shape[0] ?? 0;
  const words = inputs.matmul(randn([64, size]).div(6)).tanh();
  return {
    inputs: cat([inputs, words.add(randn([count, size]).mul(0.1))], 1).keep(),
    targets: nothing(count),
    loss: scores => {
      const own = arange(scores.shape[0] ?? 0).to("int32");
      return cross(scores, own)
        .add(cross(scores.transpose(0, 1), own))
        .div(2);
    },
  };
}

/** Kinds of words in `neighbours`. */
export const NEIGHBOUR_WORDS = 80;

/** Two words, the logarithm of how often they stand near each other, and how much that counts (GloVe). */
export function neighbours(count = 3000): Task {
  const pairs = randint(0, NEIGHBOUR_WORDS, [count, 2]).to("int32").keep();
  const meaning = randn([NEIGHBOUR_WORDS, 5]);
  const often = randn([NEIGHBOUR_WORDS]).mul(0.7);
  const [left, right] = [pairs.select(1, 0), pairs.select(1, 1)];
  const logs = meaning
    .indexSelect(0, left)
    .mul(meaning.indexSelect(0, right))
    .sum(1)
    .mul(0.5)
    .add(often.indexSelect(0, left))
    .add(often.indexSelect(0, right))
    .add(1.5)
    .add(randn([count]).mul(0.2))
    .keep();
  const weights = logs.sub(Math.log(20)).mul(0.75).exp().clamp(null, 1);
  return {
    inputs: pairs,
    targets: stack([logs, weights], 1).keep(),
    loss: (said, is) => {
      const [log, weight] = is.split(1, 1) as [Tensor, Tensor];
      return said.sub(log).square().mul(weight).mean();
    },
  };
}

/** Numbers in a row, two of which are marked, and the sum of these (Hochreiter & Schmidhuber 1997). */
export function marked(length = 8, count = 1200): Task {
  const numbers = rand([count, length]).keep();
  const half = length / 2;
  const marks = [0, 1].map(() => oneHot(randint(0, half, [count]).to("int32"), half));
  const isMarked = cat(marks, 1).to("float32").keep();
  return {
    inputs: stack([numbers, isMarked], 2).keep(),
    targets: numbers.mul(isMarked).sum(1, true).keep(),
    loss: squared,
  };
}

/** Digits of 4×4 pixels, each the mean of four, and as they were. */
export function smallDigits(): Task {
  const { inputs } = digits();
  const small = new nn.AvgPool2d(2).forward(inputs.reshape([-1, 1, 8, 8]));
  return { inputs: small.flatten(1).keep(), targets: inputs, loss: absolute };
}

/** Height, slope, light and others of places and the kind of their ground, and what grows there. */
export function forests(count = 2000, trees = 5): Task {
  const measures = randn([count, 8]).keep();
  const ground = oneHot(randint(0, 4, [count]).to("int32"), 4).to("float32");
  const inputs = cat([measures, ground], 1).keep();
  const chances = curved(inputs, trees).mul(4).softmax(1);
  return { inputs, targets: chances.multinomial(1).squeeze(1).to("int32").keep(), loss: cross };
}

/** Kinds of words in `reviews`. */
export const REVIEW_WORDS = 100;

/** Words of reviews, the first fifteen kinds of them good, the next fifteen bad, unless the word before is "not". */
export function reviews(length = 12, count = 1500): Task {
  const words = randint(0, REVIEW_WORDS, [count, length]).to("int32");
  const isNot = rand([count, length]).lt(0.1).keep();
  const inputs = where(isNot, REVIEW_WORDS - 1, words)
    .to("int32")
    .keep();
  const good = inputs.lt(15).to("float32").sub(inputs.lt(30).to("float32").mul(0.5)).mul(2);
  const turned = isNot
    .to("float32")
    .mul(-2)
    .add(1)
    .narrow(1, 0, length - 1);
  const liked = good
    .narrow(1, 1, length - 1)
    .mul(turned)
    .sum(1)
    .add(good.select(1, 0));
  return {
    inputs,
    targets: liked
      .add(randn([count]).mul(0.3))
      .gt(0)
      .to("int32")
      .keep(),
    loss: cross,
  };
}

/** Digits, which one it is, and where its middle is, across and down. */
export function middles(): Task {
  const { inputs, targets, loss } = digits();
  const ink = inputs.add(1).keep();
  const axis = arange(8).to("float32").sub(3.5);
  const middle = (dim: number) =>
    ink.reshape([-1, 8, 8]).sum(dim).mul(axis).sum(1).div(ink.sum(1)).mul(2);
  const labels = oneHot(targets, 10).to("float32");
  return {
    inputs,
    targets: cat([labels, stack([middle(1), middle(2)], 1)], 1).keep(),
    loss: (said, is) => {
      const [scores, places] = said.split([10, 2], 1) as [Tensor, Tensor];
      const [kinds, centres] = is.split([10, 2], 1) as [Tensor, Tensor];
      return loss(scores, kinds).add(squared(places, centres));
    },
  };
}
