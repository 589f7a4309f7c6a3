/** A port of minGPT gives PyTorch's logits, loss and gradients. */
import { expect, test } from "vitest";
import { nn } from "../../runtime/index.ts";
import { expectClose } from "./close.ts";
import { decode, type Encoded, numeric, readFixture, required } from "./fixture.ts";
import { Gpt, type GptSizes } from "./gpt.ts";

interface Fixture {
  readonly sizes: GptSizes;
  readonly tokens: Encoded;
  readonly targets: Encoded;
  readonly logits: Encoded;
  readonly loss: number;
  readonly parameters: Readonly<Record<string, Encoded>>;
  readonly grads: Readonly<Record<string, Encoded>>;
}

const fixture = readFixture<Fixture>("gpt");

test(`PyTorch ${fixture.torch}: one step of minGPT`, async () => {
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
