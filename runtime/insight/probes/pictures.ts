/** Draws the loss around the place at which a loop is held. */
import type { SnapshotRing } from "../../checkpoint/ring.ts";
import { Storage } from "../../gpu/storage.ts";
import { leafNode } from "../../graph/node.ts";
import { Optimizer } from "../../optim/optimizer.ts";
import { nameOf } from "../../optim/stepScalars.ts";
import type {
  LinePicture,
  PathPoint,
  Picture,
  PictureView,
  SurfacePicture,
} from "../../protocol/picture.ts";
import { isWithin, type Stretch } from "../../protocol/rewind.ts";
import { tensor, zeros } from "../../tensor/creation.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { filterDirection } from "./filterDirections.ts";
import { type HeldStep, StepMemory } from "./heldStep.ts";
import { LossSampler, type Vector } from "./lossSampler.ts";
import { MOST_ELEMENTS, PathMemory } from "./pathMemory.ts";
import { principalPlane } from "./principal.ts";

/** Shares of the update at which a line is drawn: among them −1, ½, 1 and 2. */
const ALPHAS = Array.from({ length: 61 }, (_, i) => -1.25 + i / 16);

/** Shares of the update that a picture marks. */
const MARKED = [-1, 0, 0.5, 1, 2];

/** Points of the curve of one parameter. */
const CURVE_POINTS = 161;

/** Points along each side of a surface: first those of a coarse one. Each is one of the finer. */
const COARSE = 13;
const FINE = 25;

/** Places of the way, before that of now, whose plane is drawn: the newest. */
const MOST_PLACES = 8;

/** Room around what has to be seen, as a share of it. */
const MARGIN = 0.3;

/** Milliseconds between two reports. */
const REPORT_MS = 100;

/** Why a drawing ends that another one, or the next step, has made worthless. */
const UNWANTED = new Error("Nobody waits for it.");

/** What a picture is drawn from. */
interface Scene {
  readonly held: HeldStep;
  readonly step: number;
  readonly inForce: readonly Stretch[];
  readonly sampler: LossSampler;
  readonly now: Vector;
  /** Tells what there is. */
  readonly report: (part: Partial<Picture>) => void;
}

export class Pictures {
  readonly #snapshots: SnapshotRing;
  readonly #tell: (picture: Picture) => void;
  /** The step behind which the loop is held. */
  readonly memory = new StepMemory();
  readonly #path = new PathMemory();
  readonly #few = new WeakMap<object, readonly Tensor[]>();
  #drawing = new AbortController();

  /** @param tell hears of each picture as it grows. */
  constructor(snapshots: SnapshotRing, tell: (picture: Picture) => void) {
    this.#snapshots = snapshots;
    this.#tell = tell;
  }

  /** Step `step + 1` begins; nothing of it has run. @param isHeld whether the loop is held behind it. */
  before(optimizer: object, step: number, isHeld: boolean): void {
    const few = this.#fewOf(optimizer);
    if (few.length > 0) this.#path.note(step, few);
    this.memory.begins();
    if (isHeld) this.memory.keep(optimizer);
  }

  /** A step is over, and the loop goes on. @param isLast no other optimizer shares the batch. */
  passed(optimizer: object, isLast: boolean): void {
    this.memory.passed(optimizer, isLast);
  }

  /** The parameters are no longer what the last step made of them. */
  forget(): void {
    this.stop();
    this.memory.forget("The loop went back, and no step was taken since. Take one.");
  }

  /** Draws no more, and says so. */
  cancel(): void {
    this.#drawing.abort(new Error("Cancelled."));
  }

  /** Draws no more: nobody waits for it. */
  stop(): void {
    this.#drawing.abort(UNWANTED);
  }

  /**
   * Draws a picture of the loop that is held behind `step`, instead of another one.
   * @param inForce the steps that led there.
   */
  async draw(view: PictureView, step: number, inForce: readonly Stretch[]): Promise<void> {
    this.stop();
    this.#drawing = new AbortController();
    const { signal } = this.#drawing;
    let picture: Picture = { view, step, done: 0, total: 1, path: [] };
    let reportedAt = 0;
    const report = (part: Partial<Picture>): void => {
      picture = { ...picture, ...part };
      const isNews = Object.keys(part).some(key => key !== "done" && key !== "total");
      if (!isNews && performance.now() - reportedAt < REPORT_MS) return;
      reportedAt = performance.now();
      this.#tell(picture);
    };
    try {
      const held = this.memory.step;
      const sampler = new LossSampler(held.loss, held.count, signal);
      try {
        const now = sampler.run(() => held.parameters.map(each => each.detach().clone()));
        await this.#drawView(view, { held, step, inForce, sampler, now, report });
      } finally {
        sampler.free();
      }
    } catch (error) {
      if (error !== UNWANTED)
        report({ problem: error instanceof Error ? error.message : String(error) });
    }
  }

  async #drawView(view: PictureView, scene: Scene): Promise<void> {
    const elements = scene.now.reduce((sum, { numel }) => sum + numel, 0);
    if (view === "line") await (elements === 1 ? this.#drawCurve(scene) : drawLine(scene));
    else if (view === "random") await this.#drawRandom(scene);
    else if (elements === 2) await this.#drawSurface(scene);
    else if (elements > 2) await this.#drawPlane(scene);
    else throw new Error("A model with one parameter has no surface.");
  }

  async #drawCurve(scene: Scene): Promise<void> {
    const { held, sampler, now, report } = scene;
    const [from = Number.NaN, to = Number.NaN] = await numbers([held.before, now]);
    const path = (await this.#walked(scene, [to])).map(point => ({ ...point, y: Number.NaN }));
    const marked = MARKED.map(share => from + share * (to - from));
    const [low, high] = around([...marked, ...path.map(({ x }) => x)]);
    const xs = [...new Set([...spread(low, high, CURVE_POINTS), ...marked])]
      .filter(Number.isFinite)
      .sort((a, b) => a - b);
    const one = sampler.run(() => now.map(({ shape }) => zeros(shape).add(1)));
    const line = {
      ...(await scan(
        scene,
        xs,
        [from, to],
        sampler.run(() => now.map(zerosLike)),
        one,
      )),
      slope: await sampler.slope(held.before, one),
      parameter: namesOf(held.parameters)[0] ?? "",
    };
    report({ line, path });
  }

  /** The surface of a model with two parameters. */
  async #drawSurface(scene: Scene): Promise<void> {
    const { held, sampler, now } = scene;
    const values = await numbers([held.before, now]);
    const path = await this.#walked(scene, values.slice(2));
    const directions = both(k => sampler.run(() => unit(now, k)));
    const [x = "", y = ""] = namesOf(held.parameters);
    const from = sampler.run(() => now.map(zerosLike));
    const axes = [around(path.map(point => point.x)), around(path.map(point => point.y))] as const;
    await surface(scene, { names: [x, y], axes, from, directions, path });
  }

  async #drawRandom(scene: Scene): Promise<void> {
    const { sampler, now, step } = scene;
    const directions = both(k => sampler.run(() => filterDirection(now, k)));
    const [a, b] = directions;
    const places = this.#kept(scene);
    const way = places.map(({ vector }) => vector);
    const [aa = 1, ab = 0, bb = 1, ...dots] = await sampler.dots([
      [a, a],
      [a, b],
      [b, b],
      ...way.flatMap(
        each =>
          [
            [each, a],
            [each, b],
          ] as const,
      ),
    ]);
    const path = places.map(({ step }, i) => {
      // The nearest place in the plane: the two directions are nearly, not quite, at right angles.
      const [va = 0, vb = 0] = dots.slice(2 * i);
      const determinant = aa * bb - ab * ab;
      return {
        step,
        x: (va * bb - vb * ab) / determinant,
        y: (vb * aa - va * ab) / determinant,
      };
    });
    await surface(scene, {
      names: ["direction 1", "direction 2"],
      axes: [
        [-1, 1],
        [-1, 1],
      ],
      from: now,
      directions,
      path: [...path, { step, x: 0, y: 0 }],
    });
  }

  /** The plane in which the last places lie best. */
  async #drawPlane(scene: Scene): Promise<void> {
    const { sampler, now, step } = scene;
    const places = this.#kept(scene);
    const vectors = places.map(({ vector }) => vector);
    const pairs = vectors.flatMap((a, i) => vectors.slice(0, i + 1).map(b => [a, b] as const));
    const dots = await sampler.dots(pairs);
    // Row by row of the lower half.
    const gram = vectors.map((_, i) =>
      vectors.map((_, j) => {
        const [row, column] = i < j ? [j, i] : [i, j];
        return dots[(row * (row + 1)) / 2 + column] ?? 0;
      }),
    );
    const plane = principalPlane(gram);
    if (!plane) {
      throw new Error(
        "The plane of the last updates needs three states that are kept, not on a line. Take a step " +
          "or two more.",
      );
    }
    const directions = both(k => sampler.run(() => combined(vectors, plane.directions[k])));
    const path = [
      ...places.map(({ step }, i) => ({
        step,
        x: plane.points[i]?.[0] ?? 0,
        y: plane.points[i]?.[1] ?? 0,
      })),
      { step, x: 0, y: 0 },
    ];
    const axes = [around(path.map(point => point.x)), around(path.map(point => point.y))] as const;
    const names = ["component 1", "component 2"] as const;
    await surface(scene, { names, axes, from: now, directions, path });
  }

  /** The way of the one or two parameters, to where they are now. */
  async #walked({ step, inForce }: Scene, now: readonly number[]): Promise<PathPoint[]> {
    const way = (await this.#path.read()).filter(
      each => each.step < step && (each.step === 0 || isWithin(inForce, each.step)),
    );
    const points = [...way, { step, values: now }];
    return points.map(({ step, values: [x = Number.NaN, y = Number.NaN] }) => ({ step, x, y }));
  }

  /** The newest states that are kept of the way, and where the last step began: from that of now. */
  #kept({ held, step, inForce, sampler, now }: Scene): { step: number; vector: Vector }[] {
    const states = this.#snapshots.taken
      .filter(taken => taken.step < step - 1 && isWithin(inForce, taken.step))
      .slice(1 - MOST_PLACES)
      .flatMap(taken => {
        const state = held.parameters.flatMap(({ node, shape }) => {
          const range = node.storage && taken.snapshot.find(node.storage.range);
          return range ? [new Tensor(leafNode(new Storage(range, false), shape, "float32"))] : [];
        });
        return state.length === now.length ? [{ step: taken.step, state }] : [];
      });
    const places = [...states, { step: step - 1, state: held.before }];
    return places.map(({ step, state }) => ({
      step,
      vector: sampler.run(() => state.map((part, i) => part.sub(now[i] as Tensor))),
    }));
  }

  /** The parameters of an optimizer, if they are one or two numbers. */
  #fewOf(optimizer: object): readonly Tensor[] {
    const known = this.#few.get(optimizer);
    if (known) return known;
    const all =
      optimizer instanceof Optimizer ? optimizer.paramGroups.flatMap(({ params }) => params) : [];
    const elements = all.reduce((sum, { numel }) => sum + numel, 0);
    const few = elements <= MOST_ELEMENTS ? all : [];
    this.#few.set(optimizer, few);
    return few;
  }
}

async function drawLine(scene: Scene): Promise<void> {
  const { held, sampler, now, report } = scene;
  const { before } = held;
  const update = sampler.run(() => now.map((value, i) => value.sub(before[i] as Tensor)));
  const line = {
    ...(await scan(scene, ALPHAS, [0, 1], before, update)),
    slope: await sampler.slope(before, update),
  };
  report({ line });
}

/** The loss at from + x · direction. @param ends x where the update began, and where it led. */
async function scan(
  { held, sampler, report }: Scene,
  xs: readonly number[],
  [from, to]: readonly [number, number],
  origin: Vector,
  direction: Vector,
): Promise<Omit<LinePicture, "slope">> {
  const places = [...xs, from, to];
  const losses = await sampler.at(
    origin,
    // As a surface is computed: the same plan does for both.
    [direction, direction],
    places.map(x => [x, 0]),
    (_, done) => report({ done, total: places.length }),
  );
  const [fromLoss = Number.NaN, toLoss = Number.NaN] = losses.subarray(-2);
  return {
    xs: Float64Array.from(xs),
    losses: losses.slice(0, -2),
    from,
    fromLoss,
    to,
    toLoss,
    lr: held.lr,
  };
}

interface Plan {
  readonly names: readonly [string, string];
  readonly axes: readonly [Range, Range];
  readonly from: Vector;
  readonly directions: readonly [Vector, Vector];
  readonly path: readonly PathPoint[];
}

type Range = readonly [number, number];

/** A coarse surface first, then a finer one. */
async function surface(
  { sampler, report }: Scene,
  { names, axes, from, directions, path }: Plan,
): Promise<void> {
  const total = FINE * FINE;
  const known = new Map<number, number>();
  for (const side of [COARSE, FINE]) {
    const stride = (FINE - 1) / (side - 1);
    const [xs, ys] = axes.map(([low, high]) => Float64Array.from(spread(low, high, side)));
    if (!xs || !ys) return;
    const cells = Array.from({ length: side * side }, (_, i) => {
      const [column, row] = [i % side, Math.floor(i / side)];
      const at = [xs[column] ?? 0, ys[row] ?? 0] as const;
      return { key: row * stride * FINE + column * stride, at };
    });
    const missing = cells.filter(({ key }) => !known.has(key));
    const before = known.size;
    const losses = await sampler.at(
      from,
      directions,
      missing.map(({ at }) => at),
      (_, done) => report({ done: before + done, total }),
    );
    missing.forEach(({ key }, i) => {
      known.set(key, losses[i] ?? Number.NaN);
    });
    const all = Float64Array.from(cells, ({ key }) => known.get(key) ?? Number.NaN);
    const drawn: SurfacePicture = { names, xs, ys, losses: all };
    report({ surface: drawn, path, done: known.size, total });
  }
}

function both<T>(make: (k: 0 | 1) => T): readonly [T, T] {
  return [make(0), make(1)];
}

/** Σ weightsᵢ vectorsᵢ */
function combined(vectors: readonly Vector[], weights: readonly number[]): Tensor[] {
  const [first = []] = vectors;
  return first.map((_, part) =>
    vectors
      .map((vector, i) => (vector[part] as Tensor).mul(weights[i] ?? 0))
      .reduce((sum, term) => sum.add(term)),
  );
}

/** All zeros but for a 1 in element `k` of all. */
function unit(like: Vector, k: number): Tensor[] {
  let start = 0;
  return like.map(({ numel, shape }) => {
    const values = Float32Array.from({ length: numel }, (_, i) => (start + i === k ? 1 : 0));
    start += numel;
    return tensor(values, { shape });
  });
}

function zerosLike({ shape }: Tensor): Tensor {
  return zeros(shape);
}

/** The elements of vectors, one after the other. */
async function numbers(vectors: readonly Vector[]): Promise<number[]> {
  const parts = await Promise.all(vectors.flat().map(part => part.data()));
  return parts.flatMap(part => [...part]);
}

/** Names of single elements: of two in one tensor each has its place behind the name. */
function namesOf(parameters: readonly Tensor[]): string[] {
  return parameters.flatMap((parameter, i) => {
    const name = nameOf(parameter) || `parameter ${i}`;
    return parameter.numel === 1
      ? [name]
      : Array.from({ length: parameter.numel }, (_, at) => `${name}[${at}]`);
  });
}

/** A range with all numbers in it, and room around them. */
function around(values: readonly number[]): Range {
  const finite = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const room = MARGIN * (high - low) || Math.max(1e-3, Math.abs(low) / 2) || 1;
  return Number.isFinite(room) ? [low - room, high + room] : [-1, 1];
}

function spread(low: number, high: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));
}
