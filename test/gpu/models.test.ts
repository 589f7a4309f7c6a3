/** Ports of well-known models give PyTorch's output, loss and gradients. */
import { expect, test } from "vitest";
import { nn, type Tensor } from "../../runtime/index.ts";
import { expectClose } from "./close.ts";
import { decode, type Encoded, numeric, readFixture, required } from "./fixture.ts";
import { Gpt, type GptSizes } from "./gpt.ts";

interface GptFixture {
  readonly sizes: GptSizes;
  readonly tokens: Encoded;
  readonly targets: Encoded;
  readonly logits: Encoded;
  readonly loss: number;
  readonly parameters: Readonly<Record<string, Encoded>>;
  readonly grads: Readonly<Record<string, Encoded>>;
}

test("one step of minGPT", async () => {
  const fixture = readFixture<GptFixture>("gpt");
  const model = new Gpt(fixture.sizes);
  const state = Object.entries(fixture.parameters).map(([name, value]) => [name, decode(value)]);
  model.loadStateDict(Object.fromEntries(state));
  const logits = model.forward(decode(fixture.tokens));
  const targets = decode(fixture.targets).reshape(-1);
  const loss = nn.functional.crossEntropy(logits.reshape(-1, fixture.sizes.vocabulary), targets);
  loss.backward();
  expectClose("loss", [await loss.item()], [fixture.loss]);
  expectClose("logits", await logits.data(), fixture.logits.data.map(numeric));
  for (const [name, parameter] of model.namedParameters()) {
    const expected = required(fixture.grads[name]).data.map(numeric);
    expectClose(name, await required(parameter.grad).data(), expected);
  }
  expect(model.namedParameters().map(([name]) => name)).toEqual(Object.keys(fixture.grads));
});

interface NetFixture {
  readonly inputs: Encoded;
  readonly targets: Encoded;
  readonly output: Encoded;
  readonly loss: number;
  /** In units of 1/256. */
  readonly parameters: Readonly<Record<string, Encoded>>;
  /** Some five hundred elements of each, evenly spread. */
  readonly grads: Readonly<Record<string, Encoded>>;
}

/** The network of PyTorch's tutorial "Neural Networks". */
class Net extends nn.Module {
  readonly conv1 = new nn.Conv2d(1, 6, 5);
  readonly conv2 = new nn.Conv2d(6, 16, 5);
  readonly fc1 = new nn.Linear(16 * 5 * 5, 120);
  readonly fc2 = new nn.Linear(120, 84);
  readonly fc3 = new nn.Linear(84, 10);

  forward(input: Tensor): Tensor {
    const { maxPool2d, relu } = nn.functional;
    let x = maxPool2d(relu(this.conv1.forward(input)), [2, 2]);
    x = maxPool2d(relu(this.conv2.forward(x)), 2);
    x = x.flatten(1);
    return this.fc3.forward(relu(this.fc2.forward(relu(this.fc1.forward(x)))));
  }
}

test("one step of the tutorial's network", async () => {
  const fixture = readFixture<NetFixture>("tutorial");
  const model = new Net();
  const state = Object.entries(fixture.parameters).map(([name, value]) => {
    return [name, decode(value).to("float32").div(256)];
  });
  model.loadStateDict(Object.fromEntries(state));
  const output = model.forward(decode(fixture.inputs));
  const loss = nn.functional.mseLoss(output, decode(fixture.targets));
  model.zeroGrad();
  loss.backward();
  expectClose("loss", [await loss.item()], [fixture.loss]);
  expectClose("output", await output.data(), fixture.output.data.map(numeric));
  for (const [name, parameter] of model.namedParameters()) {
    const expected = required(fixture.grads[name]).data.map(numeric);
    const apart = Math.max(1, Math.floor(parameter.numel / 500));
    const all = await required(parameter.grad).data();
    expectClose(
      name,
      all.filter((_, i) => i % apart === 0),
      expected,
    );
  }
});
