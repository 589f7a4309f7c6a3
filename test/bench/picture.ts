/**
 * How long the pictures of a held loop take, of a model with a hundred thousand parameters: from the
 * request of a client to the first that can be shown, and to the whole picture. Each is drawn twice: the
 * first time its kernels are compiled.
 *
 *     npm run build && node test/bench/picture.ts
 */
import { PICTURE_VIEWS, type Picture } from "../../runtime/protocol/picture.ts";
import { TrainingProject } from "../gpu/training-project.ts";

/** 64 · 256 + 256 + 256 · 320 + 320 + 320 · 10 + 10 = 102,090 parameters. */
const SCRIPT = `
import { nn, optim, randn } from "stepscope";
const model = new nn.Sequential(
  new nn.Linear(64, 256), new nn.ReLU(), new nn.Linear(256, 320), new nn.ReLU(), new nn.Linear(320, 10),
);
const optimizer = new optim.AdamW(model.parameters());
const inputs = randn(32, 64).keep();
while (true) {
  const loss = model.forward(inputs).square().mean();
  optimizer.zeroGrad();
  loss.backward();
  await optimizer.step();
}`;

const project = new TrainingProject();
project.write("endless.ts", SCRIPT);
const run = await project.start("endless.ts");
for (const step of [20, 21, 22]) {
  run.connection.control({ type: "runTo", step });
  await run.until(() => run.steps === step && run.record.paused === true);
}
const isShown = ({ line, surface }: Picture) => line !== undefined || surface !== undefined;
const isWhole = (picture: Picture) => isShown(picture) && picture.done === picture.total;
for (const round of ["first", "again"]) {
  for (const view of PICTURE_VIEWS) {
    const from = run.messages.length;
    const has = (is: (picture: Picture) => boolean) =>
      run.messages.slice(from).some(message => message.type === "picture" && is(message.picture));
    const start = performance.now();
    run.connection.control({ type: "draw", view });
    await run.until(() => has(isShown) || has(({ problem }) => problem !== undefined));
    const shown = performance.now() - start;
    await run.until(() => has(isWhole) || has(({ problem }) => problem !== undefined));
    const whole = performance.now() - start;
    console.log(
      `${round} ${view}: shown after ${shown.toFixed(0)} ms, whole ${whole.toFixed(0)} ms`,
    );
  }
}
run.connection.stop();
await run.closed;
project.remove();
process.exit(0);
