/** Data sets and loaders. */
import { describe, expect, test } from "vitest";
import { data, manualSeed, type Tensor, tensor, zeros } from "../../runtime/index.ts";
import { loaderProgress } from "../../runtime/insight/progress.ts";

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
