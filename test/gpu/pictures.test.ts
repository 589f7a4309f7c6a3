/** Pictures of a held loop show the loss as it is, and leave no trace. */
import { afterEach, expect, test } from "vitest";
import { SnapshotRing } from "../../runtime/checkpoint/ring.ts";
import { manualSeed, nn, optim, randn, type Tensor, tensor } from "../../runtime/index.ts";
import { setGate } from "../../runtime/insight/gate.ts";
import { observe } from "../../runtime/insight/observer.ts";
import { Pictures } from "../../runtime/insight/probes/pictures.ts";
import type { LoopOrder } from "../../runtime/protocol/control.ts";
import type { Picture, PictureView } from "../../runtime/protocol/picture.ts";
import { parseSidecarMessage } from "../../runtime/protocol/validate.ts";
import { LoopControl } from "../../runtime/sidecar/loopControl.ts";
import { OPTIMIZERS, training } from "./whole-loop.ts";

afterEach(() => {
  setGate(undefined);
  observe(undefined);
});

/** A hand that holds the loop of this process, and draws. */
function hand() {
  let steps = 0;
  const inbox: LoopOrder[] = [];
  let arrived = Promise.withResolvers<void>();
  const pictures: Picture[] = [];
  let heard = () => {};
  let isHeld = false;
  const snapshots = new SnapshotRing(2 ** 26);
  const drawer = new Pictures(snapshots, picture => {
    // What a client does not understand would end its connection.
    parseSidecarMessage({ type: "picture", picture });
    pictures.push(picture);
    heard();
  });
  const loop = {
    stepCount: () => steps,
    drain: async () => {},
    loopResumed: () => {},
    snapshots,
    pictures: drawer,
  };
  const control = new LoopControl(loop, {
    take: () => inbox.shift(),
    held: held => {
      isHeld = held;
      if (held) arrived.resolve();
    },
    keepAlive: () => {},
    groups: () => {},
    planned: () => {},
    options: () => {},
    changed: () => {},
    kept: () => {},
    rewound: () => {},
    warn: text => {
      throw new Error(text);
    },
  });
  setGate({
    before: optimizer => control.before(optimizer),
    after: optimizer => {
      steps++;
      return control.after(optimizer);
    },
  });
  return {
    pictures,
    isHeld: () => isHeld,
    ask: (...controls: LoopOrder[]) => {
      inbox.push(...controls);
      control.receive();
    },
    /** Resolves when the loop is held, once more after each call. */
    held: async () => {
      await arrived.promise;
      arrived = Promise.withResolvers();
    },
    draw: (view: PictureView): Promise<Picture> => {
      const { promise, resolve } = Promise.withResolvers<Picture>();
      heard = () => {
        const last = pictures.at(-1);
        if (last?.view !== view) return;
        if (last.problem || last.line || last.surface?.xs.length === 25) resolve(last);
      };
      inbox.push({ type: "draw", view });
      control.receive();
      return promise;
    },
  };
}

/** Where the losses of a line are at a place. */
function lossAt({ line }: Picture, x: number): number {
  return line?.losses[line.xs.indexOf(x)] ?? Number.NaN;
}

test("a loop that was drawn in every way goes on, bit by bit, as one that was not", async () => {
  const plain = training(OPTIMIZERS.AdamW);
  const losses = await plain.run(14);
  const end = await plain.state();

  const { run, state } = training(OPTIMIZERS.AdamW);
  const loop = hand();
  loop.ask({ type: "runTo", step: 4 });
  const running = run(14);
  for (const step of [4, 5, 6]) {
    await loop.held();
    if (step < 6) loop.ask({ type: "step", count: 1 });
  }
  const line = await loop.draw("line");
  // On the batch of step 6, which began where its loss was measured.
  expect([line.step, line.problem]).toEqual([6, undefined]);
  expect(lossAt(line, 0)).toBeCloseTo(losses[5] ?? 0, 5);
  const { slope = 0, toLoss, fromLoss } = line.line ?? {};
  expect(lossAt(line, 1)).toBe(toLoss);
  expect(lossAt(line, 0)).toBe(fromLoss);
  expect((lossAt(line, 0.0625) - lossAt(line, -0.0625)) / 0.125 / slope).toBeCloseTo(1, 1);

  const plane = await loop.draw("plane");
  expect(plane.path.map(({ step }) => step)).toEqual([1, 4, 5, 6]);
  // The coarse one came first.
  expect(loop.pictures.some(({ view, surface }) => view === "plane" && surface?.xs.length === 13));
  expect(plane.surface?.losses.every(Number.isFinite)).toBe(true);
  const random = await loop.draw("random");
  const centre = random.surface?.losses[12 * 25 + 12];
  expect(centre).toBeCloseTo(toLoss ?? 0, 5);

  loop.ask({ type: "resume" });
  expect(await running).toEqual(losses);
  expect(await state()).toEqual(end);
});

test("a loop that runs waits for its pictures, and goes on, bit by bit, as without them", async () => {
  const plain = training(OPTIMIZERS.AdamW);
  const losses = await plain.run(12);
  const end = await plain.state();

  const { run, state } = training(OPTIMIZERS.AdamW);
  const loop = hand();
  const seen = await run(3);
  // Before the next step is taken; the one behind it waits for the picture.
  const drawing = loop.draw("line");
  seen.push(...(await run(1)));
  const { step, line, problem } = await drawing;
  expect([step, problem]).toEqual([4, undefined]);
  expect(line?.fromLoss).toBeCloseTo(losses[3] ?? 0, 5);
  expect(loop.isHeld()).toBe(false);
  // Paused while it is drawn, it stays.
  const random = loop.draw("random");
  const running = run(8);
  loop.ask({ type: "pause" });
  expect((await random).step).toBe(5);
  await loop.held();
  expect(loop.isHeld()).toBe(true);
  loop.ask({ type: "resume" });
  expect([...seen, ...(await running)]).toEqual(losses);
  expect(await state()).toEqual(end);
});

/** Takes steps by hand on a loss of some parameters. */
function steps(params: nn.Parameter[], lr: number, lossOf: () => Tensor, clip?: number) {
  const optimizer = new optim.SGD(params, { lr });
  return async (count: number) => {
    for (let i = 0; i < count; i++) {
      optimizer.zeroGrad();
      const loss = lossOf();
      loss.backward();
      if (clip) nn.utils.clipGradNorm(params, clip);
      // The value is there before the step, and how it came about has to be known nevertheless.
      await loss.item();
      await optimizer.step();
    }
  };
}

test("of one parameter it is its curve, with the way until now", async () => {
  const x = new nn.Parameter(tensor([4]));
  const run = steps([x], 0.25, () => x.square().sum());
  const loop = hand();
  loop.ask({ type: "runTo", step: 3 });
  const running = run(4);
  await loop.held();
  const { line, path, problem } = await loop.draw("line");
  expect(problem).toBeUndefined();
  expect(path.map(({ step, x }) => [step, x])).toEqual([
    [0, 4],
    [1, 2],
    [2, 1],
    [3, 0.5],
  ]);
  expect([line?.from, line?.to, line?.slope, line?.lr]).toEqual([1, 0.5, 2, 0.25]);
  line?.xs.forEach((at, i) => {
    expect(line.losses[i]).toBeCloseTo(at ** 2, 4);
  });
  // ½, 1, 2 and −1 times the update, and all of the way, are in it.
  for (const place of [0.75, 0.5, 0, 1.5]) expect(line?.xs).toContain(place);
  expect(line?.xs.at(-1)).toBeGreaterThan(4);
  expect((await loop.draw("plane")).problem).toBe("A model with one parameter has no surface.");

  loop.ask({ type: "rewind", step: 3 });
  expect((await loop.draw("line")).problem).toContain("no step was taken since");
  loop.ask({ type: "resume" });
  await running;
});

test("of two parameters it is the surface; and the slope is that before clipping", async () => {
  const [a, b] = [new nn.Parameter(tensor([1])), new nn.Parameter(tensor([-0.5]))];
  // x² − y², accumulated twice: the mean is shown.
  const run = steps([a, b], 0.1, () => a.square().sub(b.square()).sum(), 0.5);
  const loop = hand();
  loop.ask({ type: "runTo", step: 2 });
  const running = run(3);
  await loop.held();
  const { surface, path, problem } = await loop.draw("plane");
  expect(problem).toBeUndefined();
  expect(path.map(({ step }) => step)).toEqual([0, 1, 2]);
  expect([path[0]?.x, path[0]?.y]).toEqual([1, -0.5]);
  surface?.ys.forEach((y, j) => {
    surface.xs.forEach((x, i) => {
      expect(surface.losses[j * surface.xs.length + i]).toBeCloseTo(x ** 2 - y ** 2, 4);
    });
  });
  const { line } = await loop.draw("line");
  const [, before, after] = path;
  if (!before || !after || !line) throw new Error("nothing was drawn");
  const slope = 2 * before.x * (after.x - before.x) - 2 * before.y * (after.y - before.y);
  expect(line.slope).toBeCloseTo(slope, 5);
  loop.ask({ type: "resume" });
  await running;
});

test("is that of the loss itself where a scaler multiplies it", async () => {
  const x = new nn.Parameter(tensor([4]));
  const optimizer = new optim.SGD([x], { lr: 0.25 });
  const scaler = new optim.GradScaler({ initScale: 1024 });
  const loop = hand();
  loop.ask({ type: "runTo", step: 2 });
  const running = (async () => {
    for (let i = 0; i < 3; i++) {
      optimizer.zeroGrad();
      scaler.scale(x.square().sum()).backward();
      await scaler.step(optimizer);
      scaler.update();
    }
  })();
  await loop.held();
  const { line, problem } = await loop.draw("line");
  expect(problem).toBeUndefined();
  expect([line?.from, line?.fromLoss, line?.slope, line?.toLoss]).toEqual([2, 4, 4, 1]);
  loop.ask({ type: "resume" });
  await running;
});

test("of optimizers that share a backward() it is drawn behind the first, and that is said", async () => {
  const [a, b] = [new nn.Parameter(tensor([2])), new nn.Parameter(tensor([3]))];
  const optimizers = [new optim.SGD([a], { lr: 0.25 }), new optim.SGD([b], { lr: 0.25 })];
  const loop = hand();
  // Each takes a step in turn.
  loop.ask({ type: "runTo", step: 4 });
  const running = (async () => {
    for (let i = 0; i < 5; i++) {
      for (const optimizer of optimizers) optimizer.zeroGrad();
      a.square().add(b.square()).sum().backward();
      for (const optimizer of optimizers) await optimizer.step();
    }
  })();
  await loop.held();
  expect((await loop.draw("line")).problem).toMatch(/^Several optimizers share a backward\(\)/);
  loop.ask({ type: "step", count: 1 });
  await loop.held();
  const { step, line, problem } = await loop.draw("line");
  expect([step, problem]).toEqual([5, undefined]);
  expect([line?.from, line?.to, line?.fromLoss]).toEqual([0.5, 0.25, 0.5 ** 2 + 0.75 ** 2]);
  // In passing it is that one that is waited for.
  loop.ask({ type: "resume" });
  const passing = await loop.draw("line");
  expect([passing.step, passing.problem]).toEqual([7, undefined]);
  await running;
});

test("says why it cannot be drawn, and can be ended", async () => {
  manualSeed(1);
  // Parameters that are computed together with the first step.
  const weight = new nn.Parameter(randn(4, 3).mul(0.1));
  const run = steps([weight], 0.1, () => weight.square().sum());
  const loop = hand();
  loop.ask({ type: "runTo", step: 2 });
  const running = run(4);
  await loop.held();
  expect((await loop.draw("plane")).problem).toContain("Take a step or two more");
  const drawing = loop.draw("random");
  loop.ask({ type: "stopDrawing" });
  expect((await drawing).problem).toBe("Cancelled.");
  // A loop that goes on is not kept waiting, and nobody is told of what was not drawn.
  void loop.draw("random");
  loop.ask({ type: "step", count: 1 });
  await loop.held();
  const { length } = loop.pictures;
  expect((await loop.draw("line")).problem).toBeUndefined();
  expect(loop.pictures.slice(length).every(({ view }) => view === "line")).toBe(true);
  loop.ask({ type: "resume" });
  await running;
});
