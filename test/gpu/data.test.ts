/** Data sets and loaders. */
import { describe, expect, test } from "vitest";
import { data, manualSeed, type Tensor, tensor, zeros } from "../../runtime/index.ts";
import { loaderProgress } from "../../runtime/insight/progress.ts";
import { randomNumbers } from "../unit/random.ts";

/** Ten samples: inputs [10, 2], where row i is [i, 10 i], and targets i. */
function samples() {
  const rows = Array.from({ length: 10 }, (_, i) => [i, 10 * i]);
  const targets = rows.map((_, i) => i);
  return new data.TensorDataset(tensor(rows), tensor(targets, { dtype: "int32" }));
}

/** The targets of each batch of one pass. */
async function pass(loader: data.DataLoader<[Tensor, Tensor]>) {
  const batches: number[][] = [];
  for await (const [, targets] of loader) batches.push([...(await targets.data())]);
  return batches;
}

describe("DataLoader", () => {
  test("gives tuples of tensors, the last batch smaller", async () => {
    const loader = new data.DataLoader(samples(), { batchSize: 4 });
    expect(loader.length).toBe(3);
    const batches = [];
    for await (const [inputs, targets] of loader) {
      batches.push([
        inputs.shape,
        [...(await inputs.data())],
        targets.dtype,
        [...(await targets.data())],
      ]);
    }
    expect(batches).toEqual([
      [[4, 2], [0, 0, 1, 10, 2, 20, 3, 30], "int32", [0, 1, 2, 3]],
      [[4, 2], [4, 40, 5, 50, 6, 60, 7, 70], "int32", [4, 5, 6, 7]],
      [[2, 2], [8, 80, 9, 90], "int32", [8, 9]],
    ]);
  });

  test("drops the last batch where asked to", async () => {
    const loader = new data.DataLoader(samples(), { batchSize: 4, dropLast: true });
    expect(loader.length).toBe(2);
    expect(await pass(loader)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
  });

  test("gives single samples by default", async () => {
    const loader = new data.DataLoader(samples());
    expect(loader.length).toBe(10);
    expect((await pass(loader))[3]).toEqual([3]);
  });

  test("shuffles anew in every pass, equally for equal seeds", async () => {
    const passes = async (seed: number) => {
      manualSeed(seed);
      const loader = new data.DataLoader(samples(), { batchSize: 5, shuffle: true });
      return [await pass(loader), await pass(loader)];
    };
    const [first, second] = await passes(1);
    expect(first?.flat().sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(second).not.toEqual(first);
    expect(await passes(1)).toEqual([first, second]);
    expect((await passes(2))[0]).not.toEqual(first);
  });

  test("reads an own data set, whose batches may come later", async () => {
    const squares: data.Dataset<number[]> = {
      length: 5,
      batch: async indices => [...indices].map(i => i * i),
    };
    const batches = [];
    for await (const batch of new data.DataLoader(squares, { batchSize: 2 })) batches.push(batch);
    expect(batches).toEqual([[0, 1], [4, 9], [16]]);
  });

  test("says how far it is, also after a pass that was left early", async () => {
    const loader = new data.DataLoader(samples(), { batchSize: 4 });
    const positions = [];
    for (let i = 0; i < 2; i++) {
      for await (const _ of loader) {
        positions.push(loaderProgress());
        if (loaderProgress()?.samples === 8) break;
      }
    }
    expect(positions).toEqual([
      { epoch: 1 / 3, batch: 1, batches: 3, samples: 4 },
      { epoch: 2 / 3, batch: 2, batches: 3, samples: 8 },
      { epoch: 1, batch: 1, batches: 3, samples: 12 },
      { epoch: 4 / 3, batch: 2, batches: 3, samples: 16 },
      { epoch: 5 / 3, batch: 3, batches: 3, samples: 18 },
    ]);
  });

  test.each([0, -1, 2.5, Number.NaN])("refuses batchSize %d", batchSize => {
    expect(() => new data.DataLoader(samples(), { batchSize })).toThrow(
      `DataLoader: batchSize should be a positive integer, got ${batchSize}`,
    );
  });
});

describe("DataLoader with a sampler", () => {
  const orders = async (sampler: data.Sampler) => {
    manualSeed(3);
    return (await pass(new data.DataLoader(samples(), { batchSize: 4, sampler }))).flat();
  };

  test("draws with replacement, as many as asked for", async () => {
    const sampler = new data.RandomSampler(samples(), { replacement: true, numSamples: 50 });
    const drawn = await orders(sampler);
    expect(drawn).toHaveLength(50);
    expect(new Set(drawn).size).toBeGreaterThan(5);
    expect(await orders(sampler)).toEqual(drawn);
    const few = await orders(new data.RandomSampler(samples(), { numSamples: 4 }));
    expect(new Set(few).size).toBe(4);
  });

  test("draws in proportion to weights", () => {
    let i = 0;
    // Evenly spread numbers: the shares are exact but for one sample.
    const sampler = new data.WeightedRandomSampler([1, 0, 3, 6], 1000);
    const drawn = sampler.indices(() => i++ / 1000);
    const shares = [0, 1, 2, 3].map(sample => drawn.filter(index => index === sample).length);
    for (const [sample, share] of [100, 0, 300, 600].entries()) {
      expect(Math.abs((shares[sample] ?? 0) - share)).toBeLessThanOrEqual(1);
    }
  });

  test("draws by weight without replacement: the first with the probability of its weight", () => {
    const random = randomNumbers(4);
    const sampler = new data.WeightedRandomSampler([1, 0, 3], 2, { replacement: false });
    const orders = Array.from({ length: 2000 }, () => [...sampler.indices(random)]);
    expect(orders.every(order => order.toSorted().join() === "0,2")).toBe(true);
    const first = orders.filter(([index]) => index === 2).length / orders.length;
    expect(first).toBeGreaterThan(0.7);
    expect(first).toBeLessThan(0.8);
  });

  test.each([
    [() => new data.WeightedRandomSampler([1, -1], 1), "weight should be at least 0, got -1"],
    [() => new data.WeightedRandomSampler([0, 0], 1), "at least one weight should be above 0"],
    [
      () => new data.WeightedRandomSampler([0, 1], 2, { replacement: false }),
      "numSamples should be a positive integer of at most 1 without replacement, got 2",
    ],
    [
      () => new data.RandomSampler({ length: 3 }, { numSamples: 4 }),
      "RandomSampler: numSamples should be a positive integer of at most 3 without replacement, got 4",
    ],
    [
      () => new data.DataLoader(samples(), { shuffle: true, sampler: new data.RandomSampler([1]) }),
      "DataLoader: a sampler sets the order itself; leave out shuffle",
    ],
    [
      () => new data.DataLoader(samples(), { prefetch: -1 }),
      "DataLoader: prefetch should be a number of batches, got -1",
    ],
  ])("refuses what cannot be: %#", (make, message) => {
    expect(make).toThrow(message);
  });
});

describe("DataLoader with prefetch", () => {
  /** Counts its batches; the one with sample 8 cannot be read. */
  function files(bad = 8) {
    const read: number[] = [];
    const dataset: data.Dataset<number[]> = {
      length: 10,
      batch: async indices => {
        read.push(indices[0] ?? 0);
        if (indices.includes(bad)) throw new Error("sample 8 is damaged");
        return [...indices];
      },
    };
    return { dataset, read };
  }

  test("reads ahead of the loop, as far as asked to", async () => {
    const { dataset, read } = files();
    const loader = new data.DataLoader(dataset, { batchSize: 2, prefetch: 2 });
    for await (const batch of loader) {
      expect(batch).toEqual([0, 1]);
      break;
    }
    expect(read).toEqual([0, 2, 4]);
    expect(loader.stateDict()).toMatchObject({ batches: 1, samples: 2 });
  });

  test("reads on when half of that is taken", async () => {
    const { dataset, read } = files(-1);
    const loader = new data.DataLoader(dataset, { prefetch: 4 });
    const counts: number[] = [];
    for await (const _ of loader) counts.push(read.length);
    expect(counts).toEqual([5, 5, 7, 7, 9, 9, 10, 10, 10, 10]);
  });

  test("fails where the batch is taken that cannot be read", async () => {
    const seen: number[][] = [];
    const loop = async () => {
      const loader = new data.DataLoader(files().dataset, { batchSize: 2, prefetch: 4 });
      for await (const batch of loader) seen.push(batch);
    };
    await expect(loop()).rejects.toThrow("sample 8 is damaged");
    expect(seen).toHaveLength(4);
  });

  test("follows a pass that is put back", async () => {
    const loader = new data.DataLoader(files(-1).dataset, {
      batchSize: 2,
      prefetch: 2,
      shuffle: true,
    });
    const seen: number[][] = [];
    let start: ReturnType<typeof loader.stateDict> | undefined;
    for await (const batch of loader) {
      seen.push(batch);
      start ??= loader.stateDict();
      if (seen.length === 3) loader.loadStateDict(start);
    }
    expect(seen).toHaveLength(7);
    expect(seen.slice(3, 5)).toEqual(seen.slice(1, 3));
  });
});

describe("data sets of others", () => {
  const targetsOf = async (set: data.Dataset<[Tensor, Tensor]>, ...indices: number[]) => {
    const [inputs, targets] = await set.batch(Int32Array.from(indices));
    expect([...(await inputs.data())].filter((_, i) => i % 2 === 0)).toEqual([
      ...(await targets.data()),
    ]);
    return [...(await targets.data())];
  };

  test("Subset has the samples of its numbers", async () => {
    const subset = new data.Subset(samples(), [7, 2, 5]);
    expect(subset.length).toBe(3);
    expect(await targetsOf(subset, 2, 0)).toEqual([5, 7]);
    expect(() => new data.Subset(samples(), [10])).toThrow(
      "Subset: there is no sample 10 among 10",
    );
  });

  test("randomSplit gives every sample to one part", () => {
    const numbers = (lengths: number[]) =>
      data.randomSplit(samples(), lengths).map(({ indices }) => [...indices]);
    const parts = numbers([0.5, 0.25, 0.25]);
    expect(parts.map(({ length }) => length)).toEqual([6, 2, 2]);
    expect(parts.flat().sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(numbers([7, 3]).map(({ length }) => length)).toEqual([7, 3]);
    expect(() => numbers([7, 4])).toThrow(
      "randomSplit: [7, 4] add up to 11; expected 10 samples, or fractions of 1",
    );
  });

  test("ConcatDataset puts the samples of a batch in the order of their numbers", async () => {
    const [first, second] = [
      new data.Subset(samples(), [1, 2]),
      new data.Subset(samples(), [8, 9]),
    ];
    const both = new data.ConcatDataset([first, second, first]);
    expect(both.length).toBe(6);
    expect(await targetsOf(both, 3, 0, 5, 2)).toEqual([9, 1, 2, 8]);
    expect(await targetsOf(both, 3, 2)).toEqual([9, 8]);
    expect(() => new data.ConcatDataset([])).toThrow(
      "ConcatDataset: give it at least one data set",
    );
    const odd = new data.ConcatDataset<[Tensor]>([
      new data.TensorDataset(zeros(1, 2)),
      new data.TensorDataset(zeros(1, 3)),
    ]);
    await expect(odd.batch(Int32Array.of(0, 1))).rejects.toThrow(
      "the samples of the data sets differ: float32 [2] and float32 [3]",
    );
  });
});

describe("TokenWindows", () => {
  test("reads every token once, with the next ones as targets", async () => {
    const windows = new data.TokenWindows([0, 1, 2, 3, 4, 5, 6, 7, 8], 4);
    expect(windows.length).toBe(2);
    const [inputs, targets] = windows.batch(Int32Array.of(1, 0));
    expect([inputs.shape, inputs.dtype]).toEqual([[2, 4], "int32"]);
    expect([...(await inputs.data())]).toEqual([4, 5, 6, 7, 0, 1, 2, 3]);
    expect([...(await targets.data())]).toEqual([5, 6, 7, 8, 1, 2, 3, 4]);
    expect(new data.TokenWindows(new Uint16Array(9), 4, { stride: 1 }).length).toBe(5);
  });

  test("refuses too short a text, and no length", () => {
    expect(() => new data.TokenWindows([1, 2], 2)).toThrow(
      "TokenWindows: a window of 2 and its targets need 3 tokens, got 2",
    );
    expect(() => new data.TokenWindows([1, 2], 1, { stride: 0 })).toThrow(
      "TokenWindows: stride should be a positive integer, got 0",
    );
  });
});

describe("TensorDataset", () => {
  test("keeps dtypes and the shape of a sample", async () => {
    const images = tensor(
      Float32Array.from({ length: 24 }, (_, i) => i),
      { shape: [4, 2, 3] },
    );
    const masks = tensor([
      [true, false],
      [false, true],
      [true, true],
      [false, false],
    ]);
    const ids = tensor(Uint32Array.of(7, 8, 9, 4_000_000_000));
    const set = new data.TensorDataset(images, masks, ids);
    const batch = await set.batch(Int32Array.of(3, 1));
    expect(batch.map(({ shape, dtype }) => [shape, dtype])).toEqual([
      [[2, 2, 3], "float32"],
      [[2, 2], "bool"],
      [[2], "uint32"],
    ]);
    const [image, mask, id] = await Promise.all(batch.map(async x => [...(await x.data())]));
    expect(image).toEqual([18, 19, 20, 21, 22, 23, 6, 7, 8, 9, 10, 11]);
    expect(mask).toEqual([0, 0, 0, 1]);
    expect(id).toEqual([4_000_000_000, 8]);
  });

  test("takes tensors that were computed, and follows their changes in place", async () => {
    const inputs = tensor([1, 2, 3]).mul(2);
    const set = new data.TensorDataset(inputs);
    const row = async (i: number) => (await set.batch(Int32Array.of(i)))[0].item();
    expect(await row(1)).toBe(4);
    inputs.add_(0.5);
    expect(await row(1)).toBe(4.5);
  });

  test("refuses tensors of different length", () => {
    expect(() => new data.TensorDataset(zeros(10, 2), zeros(9))).toThrow(
      "TensorDataset: size mismatch between tensors: [10, 2] and [9] differ in their first " +
        "dimension, which counts the samples",
    );
  });

  test("refuses no tensors, and tensors without rows", () => {
    expect(() => new data.TensorDataset()).toThrow("TensorDataset: give it at least one tensor");
    expect(() => new data.TensorDataset(tensor(1))).toThrow(
      "TensorDataset: a tensor without dimensions has no rows, got []",
    );
  });
});
