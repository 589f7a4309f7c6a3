/**
 * Memory: a recurrent network adds two numbers that it saw some time ago.
 *
 * Each sequence is a row of random numbers, and two of them are marked. The network reads one number
 * after the other and has to say the sum of the marked ones at the end: it must learn what to keep.
 * (The adding problem of Hochreiter and Schmidhuber, 1997.)
 *
 * In VS Code: click ▶ Train above the loop. In a terminal: npx stepscope train examples/rnn.ts
 */
import { parseArgs } from "node:util";
import { arange, manualSeed, nn, optim, rand, stack, type Tensor } from "stepscope";

const flags = parseArgs({
  options: { length: { type: "string", default: "12" }, steps: { type: "string", default: "300" } },
});
const length = Number(flags.values.length);
const steps = Number(flags.values.steps);

manualSeed(1);

class Adder extends nn.Module {
  readonly gru = new nn.GRU(2, 32, { batchFirst: true }); // a number and its mark go in
  readonly head = new nn.Linear(32, 1);

  forward(sequences: Tensor): Tensor {
    const [, memory] = this.gru.forward(sequences); // what it remembers at the end
    return this.head.forward(memory.squeeze(0));
  }
}

const model = new Adder();
const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
const lossFn = new nn.MSELoss();

for (let step = 1; step <= steps; step++) {
  const [sequences, sums] = sample(64);
  const loss = lossFn.forward(model.forward(sequences), sums);
  optimizer.zeroGrad();
  loss.backward(); // through all steps of the sequence, back to the first
  await optimizer.step();

  // Who always says 1 has a loss of 0.167: below that, the network has begun to remember.
  if (step % 50 === 0) console.log(`step ${step}: loss ${(await loss.item()).toFixed(4)}`);
}

/** Sequences [count, length, 2] of numbers and marks, and the sums [count, 1] of the marked ones. */
function sample(count: number): [Tensor, Tensor] {
  const numbers = rand(count, length);
  const first = rand(count, 1)
    .mul(length / 2)
    .floor(); // somewhere in the first half
  const second = rand(count, 1)
    .add(1)
    .mul(length / 2)
    .floor(); // and in the second
  const places = arange(length);
  const marks = places.eq(first).add(places.eq(second)).to("float32");
  return [stack([numbers, marks], 2), numbers.mul(marks).sum(1, true)];
}
