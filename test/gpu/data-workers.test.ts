/** Loaders with threads, streams and samples. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { data, manualSeed, tensor, zeros } from "../../runtime/index.ts";
import { loaderProgress } from "../../runtime/insight/progress.ts";
import type counted from "./data-sets/counted.ts";
import type squares from "./data-sets/squares.ts";

const load = (length: number, options = {}) =>
  data.fromModule<typeof squares>(
    new URL("./data-sets/squares.ts", import.meta.url),
    length,
    options,
  );

/** Threads of this process besides the main one. */
function threads(): number {
  const report = process.report.getReport() as unknown as { workers: unknown[] };
  return report.workers.length;
}

/** What a script prints that runs in a process of its own. */
function runScript(source: string, ...options: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "stepscope-loader-"));
  const script = join(folder, "script.mjs");
  writeFileSync(script, source);
  const env = { ...process.env, STEPSCOPE_ADAPTER: "none" };
  try {
    return execFileSync(process.execPath, [...options, script], { encoding: "utf8", env });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Lines of a file that is made where it is read, far larger than the memory of the process. */
const STREAMED = `
import { writeFileSync, appendFileSync } from "node:fs";
import { data, tensor } from ${JSON.stringify(new URL("../../runtime/index.ts", import.meta.url).href)};
const path = process.argv[1] + ".jsonl";
const line = JSON.stringify({ x: Array.from({ length: 8 }, (_, i) => i + 0.25), text: "x".repeat(400) });
writeFileSync(path, "");
for (let i = 0; i < 64; i++) appendFileSync(path, (line + "\\n").repeat(2000));
let [sum, batches] = [0, 0];
const lines = { [Symbol.asyncIterator]: () => data.readJsonLines(path) };
const collate = samples => tensor(samples.map(({ x }) => x));
for await (const batch of new data.DataLoader(lines, { batchSize: 500, prefetch: 4, collate })) {
  batches++;
  sum += (await batch.data())[8 * 499 + 3];
}
console.log(JSON.stringify({ batches, sum }));
`;

/** Passes that are left at their third batch, with nothing else that keeps the process. */
const LEFT_EARLY = `
import { data } from ${JSON.stringify(new URL("../../runtime/index.ts", import.meta.url).href)};
const module = new URL(${JSON.stringify(new URL("./data-sets/squares.ts", import.meta.url).href)});
const dataset = await data.fromModule(module, 1000);
for (let pass = 0; pass < 3; pass++) {
  let batches = 0;
  for await (const _ of new data.DataLoader(dataset, { batchSize: 4, numWorkers: 2 })) {
    if (++batches === 3) break;
  }
}
console.log("behind the loops");
`;

describe("DataLoader with workers", () => {
  test("gives the same batches in the same order, with the same random numbers", async () => {
    const dataset = await load(25);
    const subset = new data.Subset(dataset, [24, 3, 7, 1, 0, 9]);
    const read = async (set: typeof dataset, numWorkers: number) => {
      manualSeed(5);
      const loader = new data.DataLoader(set, { batchSize: 2, shuffle: true, numWorkers });
      const batches = [];
      for await (const { inputs, targets, drawn, isWorker, thread } of loader) {
        expect(isWorker).toBe(numWorkers > 0);
        batches.push({ thread, values: [[...(await inputs.data())], targets.dtype, drawn] });
      }
      return batches;
    };
    const before = threads();
    const values = (batches: Awaited<ReturnType<typeof read>>) => batches.map(each => each.values);
    const [here, there] = [await read(dataset, 0), await read(dataset, 2)];
    expect(values(there)).toEqual(values(here));
    expect(there).toHaveLength(13);
    expect(new Set(there.map(({ thread }) => thread)).size).toBe(2);
    expect(values(await read(subset, 1))).toEqual(values(await read(subset, 0)));
    expect(threads()).toBe(before);
  });

  test("a script goes on behind a pass that it leaves early", () => {
    expect(runScript(LEFT_EARLY)).toBe("behind the loops\n");
  });

  test("tells the loop what goes wrong in a thread", async () => {
    const seen: number[] = [];
    const loop = async (options: object) => {
      const dataset = await load(10, options);
      for await (const { targets } of new data.DataLoader(dataset, {
        batchSize: 2,
        numWorkers: 2,
      })) {
        seen.push(targets.numel);
      }
    };
    const error = await loop({ bad: 5 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).message).toBe("sample 5 is damaged");
    expect((error as Error).stack).toContain("squares.ts");
    expect(seen).toEqual([2, 2]);
    await expect(loop({ exit: 0 })).rejects.toThrow(
      "A worker of the DataLoader ended with the exit code 7.",
    );
    await expect(loop({ lazy: true })).rejects.toThrow(
      "a worker has no GPU and can only send data of the host, and a tensor [2, 2] of the batch is to be computed.",
    );
    await expect(loop({ computed: true })).rejects.toThrow("This thread reads data and has no GPU");
    const none = await data.fromModule(new URL("../unit/random.ts", import.meta.url)).catch(String);
    expect(none).toContain("expected a default export that makes the data set");
  });
});

describe("DataLoader with workers that are ahead of the loop", () => {
  const BATCH = 4;

  /** A data set, and what waits, with the thread held, until so many of its samples have been read. */
  async function countedSamples(length: number, options = {}) {
    const shared = new SharedArrayBuffer(4);
    const url = new URL("./data-sets/counted.ts", import.meta.url);
    const dataset = await data.fromModule<typeof counted>(url, length, shared, options);
    const count = new Int32Array(shared);
    const untilRead = (samples: number) => {
      for (let now = 0; now < samples; now = Atomics.load(count, 0)) {
        if (Atomics.wait(count, 0, now, 10_000) === "timed-out") break;
      }
      return Atomics.load(count, 0);
    };
    return { dataset, untilRead };
  }

  test("takes what was read without a turn of the event loop", async () => {
    const { dataset, untilRead } = await countedSamples(400);
    const loader = new data.DataLoader(dataset, {
      batchSize: BATCH,
      numWorkers: 1,
      prefetch: 8,
      collate: data.collate,
    });
    const batches = loader[Symbol.asyncIterator]();
    await batches.next();
    // What is begun last has not been sent yet, what was begun before it has.
    untilRead(9 * BATCH);
    let turns = 0;
    setImmediate(() => turns++);
    for (let i = 1; i < 4; i++) {
      const { value } = await batches.next();
      expect(value?.name[0]).toBe(`${i * BATCH}`);
    }
    expect(turns).toBe(0);
    await batches.return(undefined);
  });

  test("has many batches read where they are small, and as many as are asked for", async () => {
    const readBehindSecond = async (prefetch: number | undefined, samples: number) => {
      const { dataset, untilRead } = await countedSamples(4000);
      const loader = new data.DataLoader(dataset, {
        batchSize: BATCH,
        numWorkers: 1,
        collate: data.collate,
        ...(prefetch !== undefined && { prefetch }),
      });
      const batches = loader[Symbol.asyncIterator]();
      await batches.next();
      await batches.next();
      // A turn of the loop sends what is asked for.
      await new Promise(resolve => setTimeout(resolve, 0));
      const read = untilRead(samples);
      await batches.return(undefined);
      return read / BATCH;
    };
    expect(await readBehindSecond(undefined, 50 * BATCH)).toBeGreaterThanOrEqual(50);
    expect(await readBehindSecond(2, 4 * BATCH)).toBeLessThanOrEqual(4);
  });

  test("workers make the batches of samples; what they cannot join, the loop does", async () => {
    const read = async (numWorkers: number, mixed: boolean) => {
      const { dataset } = await countedSamples(10, { mixed });
      manualSeed(2);
      const { collate } = data;
      const loader = new data.DataLoader(dataset, { batchSize: BATCH, numWorkers, collate });
      const batches = [];
      for await (const { x, name } of loader) batches.push([x.dtype, ...(await x.data()), name]);
      return batches;
    };
    for (const mixed of [false, true]) {
      expect(await read(2, mixed)).toEqual(await read(0, mixed));
    }
  });
});

describe("DataLoader of single samples", () => {
  const pairs: data.SampleDataset<[number, { name: string; x: Float32Array }]> = {
    length: 5,
    sample: async (i, random = Math.random) => {
      // Later samples are there first.
      await new Promise(resolve => setTimeout(resolve, 5 - i));
      return [random(), { name: `${i}`, x: Float32Array.of(i, -i) }];
    },
  };

  test("makes batches by collate", async () => {
    const passes = async (batchSize: number) => {
      manualSeed(1);
      const drawn: number[] = [];
      const loader = new data.DataLoader(pairs, { batchSize, collate: data.collate });
      for await (const [random, { name, x }] of loader) {
        drawn.push(...(await random.data()));
        expect(name).toEqual([...(await x.select(1, 0).data())].map(String));
        expect(x.shape).toEqual([name.length, 2]);
      }
      return drawn;
    };
    const drawn = await passes(2);
    expect(new Set(drawn).size).toBe(5);
    expect(await passes(5)).toEqual(drawn);
  });

  test("collate stacks tensors and truth values, and refuses what differs", async () => {
    const [x, flags, ids] = data.collate([
      [tensor([1, 2]), true, Uint32Array.of(7)] as const,
      [tensor([3, 4]).mul(2), false, Uint32Array.of(8)] as const,
    ]);
    expect([...(await x.data())]).toEqual([1, 2, 6, 8]);
    expect([flags.dtype, ...(await flags.data())]).toEqual(["bool", 1, 0]);
    expect([ids.dtype, ids.shape]).toEqual(["uint32", [2, 1]]);
    expect(() => data.collate([1, "a"])).toThrow("the samples differ in kind: number and string");
    expect(() => data.collate([zeros(2), tensor([1])])).toThrow(RangeError);
    expect(() => data.collate([tensor([1]), tensor([1, 2])])).toThrow(
      "collate: samples of shape [1] and [2] do not stack",
    );
  });
});

describe("DataLoader of a stream", () => {
  const numbers = {
    *[Symbol.iterator]() {
      for (let i = 0; i < 7; i++) yield i;
    },
  };
  const collate = (samples: number[]) => samples;

  async function all<Batch>(loader: data.DataLoader<Batch, number>): Promise<Batch[]> {
    const batches: Batch[] = [];
    for await (const batch of loader) batches.push(batch);
    return batches;
  }

  test("makes batches of what comes, in every pass, and reads ahead", async () => {
    const loader = new data.DataLoader(numbers, { batchSize: 3, prefetch: 2, collate });
    expect(loader.length).toBe(Number.POSITIVE_INFINITY);
    const before = loaderProgress();
    const batches = [[0, 1, 2], [3, 4, 5], [6]];
    expect([await all(loader), await all(loader)]).toEqual([batches, batches]);
    expect(loaderProgress()).toEqual(before);
    const options = { batchSize: 3, dropLast: true, collate };
    expect(await all(new data.DataLoader(numbers, options))).toEqual(batches.slice(0, 2));
  });

  test("goes on where its state was taken, also back within a pass", async () => {
    const loader = new data.DataLoader(numbers, { batchSize: 2, collate });
    const seen: number[][] = [];
    let state: ReturnType<typeof loader.stateDict> | undefined;
    for await (const batch of loader) {
      seen.push(batch);
      if (seen.length === 2) state = loader.stateDict();
      if (seen.length === 3 && state) loader.loadStateDict(state);
    }
    expect(seen).toEqual([[0, 1], [2, 3], [4, 5], [4, 5], [6]]);
    const other = new data.DataLoader(numbers, { batchSize: 2, collate });
    if (state) other.loadStateDict(state);
    expect(await all(other)).toEqual([[4, 5], [6]]);
  });

  test("a generator, which is read once, is not silently empty", async () => {
    const loader = new data.DataLoader(numbers[Symbol.iterator](), { batchSize: 4, collate });
    expect(await all(loader)).toHaveLength(2);
    await expect(all(loader)).rejects.toThrow("this stream has been read and cannot begin anew");
  });

  test("larger than memory, a file of 55 MB is read with 24 MB of heap", () => {
    const output = runScript(STREAMED, "--max-old-space-size=24");
    expect(JSON.parse(output)).toEqual({ batches: 256, sum: 256 * 3.25 });
  });
});

test.each([
  [
    () => new data.DataLoader([1], { numWorkers: 2, collate: data.collate }),
    "DataLoader: a stream is read by one worker, as its samples come one behind the other; got 2",
  ],
  [
    () => new data.DataLoader([1], { shuffle: true, collate: data.collate }),
    "DataLoader: the samples of a stream come in its own order: neither shuffle nor a sampler",
  ],
  [
    () => new data.DataLoader(new data.TensorDataset(zeros(2)), { numWorkers: 1 }),
    "DataLoader: workers are threads of their own, which cannot see a data set of this one.",
  ],
  [
    () => new data.DataLoader(new data.TensorDataset(zeros(2)), { numWorkers: -1 }),
    "DataLoader: numWorkers should be a number of threads, got -1",
  ],
  [
    // @ts-expect-error samples need collate
    () => new data.DataLoader([1, 2]),
    "DataLoader: single samples become a batch by collate",
  ],
  [
    // @ts-expect-error batches need none
    () => new data.DataLoader(new data.TensorDataset(zeros(2)), { collate: data.collate }),
    "DataLoader: collate is for single samples, and this data set gives batches",
  ],
])("a loader refuses what cannot be: %#", (make, message) => {
  expect(make).toThrow(message);
});
