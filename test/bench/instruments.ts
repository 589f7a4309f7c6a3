/**
 * What the instruments cost: the same training step with and without them, in turns, in one process.
 *
 *     node test/bench/instruments.ts [rounds]
 *
 * Prints the median over rounds of the time of a step, and the median and the quartiles of the
 * ratio of neighbouring rounds. On a software adapter the time is that of the processor, which other
 * programs on the machine do not lengthen.
 */
import { gpu } from "../../runtime/gpu/device.ts";
import { manualSeed, nn, optim, randint } from "../../runtime/index.ts";
import { deafObserver, observe } from "../../runtime/insight/observer.ts";
import { drain } from "../../runtime/insight/recorder.ts";
import { Gpt } from "../gpu/gpt.ts";
import { milliseconds, rounds as roundsOf, SIZES, trainer } from "./perceptron.ts";
import { quantile } from "./table.ts";

/** What is trained, and how many steps of it make a round. */
interface Training {
  readonly name: string;
  readonly steps: number;
  readonly start: () => () => Promise<void>;
}

/** A language model of a million parameters, and the samples of a step. */
const GPT = { vocabulary: 65, length: 64, width: 128, heads: 4, layers: 5 };
const GPT_BATCH = 8;
const GPT_STEPS = 2;

const rounds = Number(process.argv[2] ?? 15);
const trainings: readonly Training[] = [
  ...SIZES.map(size => ({
    name: `perceptron, ${size.name}`,
    steps: size.steps,
    start: () => trainer(size),
  })),
  { name: `GPT, 1M parameters, batch ${GPT_BATCH} × ${GPT.length}`, steps: GPT_STEPS, start: gpt },
];

console.log(`${gpu.adapter.description}, AdamW, ${rounds} rounds`);
for (const training of trainings) await compare(training);
process.exit(0);

function gpt(): () => Promise<void> {
  manualSeed(1);
  const model = new Gpt(GPT);
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
  const tokens = randint(0, GPT.vocabulary, [GPT_BATCH, GPT.length]).keep();
  const next = randint(0, GPT.vocabulary, [GPT_BATCH * GPT.length]).keep();
  return roundsOf(GPT_STEPS, optimizer, () =>
    nn.functional.crossEntropy(model.forward(tokens).reshape(-1, GPT.vocabulary), next),
  );
}

async function compare(training: Training): Promise<void> {
  const plain = timed(training, false);
  const measured = timed(training, true);
  for (const train of [plain, measured, plain, measured]) await train();
  const times: { plain: number; measured: number }[] = [];
  for (let i = 0; i < rounds; i++) {
    // The order alternates, so that a drift of the machine's speed falls on both.
    const order = i % 2 === 0 ? [plain, measured] : [measured, plain];
    const took = new Map<typeof plain, number>();
    for (const train of order) took.set(train, await train());
    times.push({ plain: took.get(plain) ?? 0, measured: took.get(measured) ?? 0 });
  }
  const ratios = times.map(time => time.measured / time.plain - 1);
  const percent = (share: number): string => {
    const value = 100 * quantile(ratios, share);
    return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)} %`;
  };
  const median = (name: "plain" | "measured"): string =>
    `${quantile(
      times.map(time => time[name]),
      0.5,
    ).toFixed(3)} ms`;
  console.log(
    `${training.name}: a step takes ${median("plain")} without, ${median("measured")} with ` +
      `instruments: ${percent(0.5)} (quartiles ${percent(0.25)}, ${percent(0.75)})`,
  );
}

/** A function that trains for a round and resolves with the milliseconds of a step. */
function timed({ start: begin, steps }: Training, instrumented: boolean): () => Promise<number> {
  const train = begin();
  return async () => {
    observe(instrumented ? deafObserver : undefined);
    const start = milliseconds();
    await train();
    await drain();
    return (milliseconds() - start) / steps;
  };
}
