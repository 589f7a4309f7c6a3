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
import { deafObserver, observe } from "../../runtime/insight/observer.ts";
import { drain } from "../../runtime/insight/recorder.ts";
import { milliseconds, type Perceptron, SIZES, trainer } from "./perceptron.ts";
import { quantile } from "./table.ts";

const rounds = Number(process.argv[2] ?? 15);

console.log(`${gpu.adapter.description}, AdamW, two-layer perceptron, ${rounds} rounds`);
for (const size of SIZES) await compare(size);
process.exit(0);

async function compare(size: Perceptron): Promise<void> {
  const plain = timed(size, false);
  const measured = timed(size, true);
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
  const percent = (share: number): string => `${(100 * quantile(ratios, share)).toFixed(1)} %`;
  const median = (name: "plain" | "measured"): string =>
    `${quantile(
      times.map(time => time[name]),
      0.5,
    ).toFixed(3)} ms`;
  console.log(
    `${size.name}: a step takes ${median("plain")} without, ${median("measured")} with ` +
      `instruments: +${percent(0.5)} (quartiles ${percent(0.25)}, ${percent(0.75)})`,
  );
}

/** A function that trains for a round and resolves with the milliseconds of a step. */
function timed(size: Perceptron, instrumented: boolean): () => Promise<number> {
  const train = trainer(size);
  return async () => {
    observe(instrumented ? deafObserver : undefined);
    const start = milliseconds();
    await train();
    await drain();
    return (milliseconds() - start) / size.steps;
  };
}
