/** Files of tensors: PyTorch's are read, ours hold to the format's definition. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import {
  cat,
  load,
  nn,
  noGrad,
  safetensors,
  save,
  type Tensor,
  tensor,
  zeros,
} from "../../runtime/index.ts";
import { expectClose } from "./close.ts";
import { decode, type Encoded, numeric, readFixture, required } from "./fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "stepscope-safetensors-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

interface Fixture {
  readonly inputs: Encoded;
  readonly logits: Encoded;
  readonly floats: Readonly<Record<string, Encoded["data"]>>;
  readonly wholes: readonly number[];
  readonly naturals: readonly number[];
}
const expected = readFixture<Fixture>("safetensors");

/** The same model as in test/fixtures/safetensors.py. */
class Model extends nn.Module {
  readonly tokenEmbedding = new nn.Embedding(7, 8);
  readonly blocks = new nn.ModuleList(
    [0, 1].map(
      () =>
        new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0, batchFirst: true }),
    ),
  );
  readonly rnn = new nn.GRU(8, 6, { batchFirst: true, bidirectional: true });
  readonly batchNorm = new nn.BatchNorm1d(12);
  readonly head = new nn.Linear(12, 7);

  forward(texts: Tensor): Tensor {
    let x = this.tokenEmbedding.forward(texts);
    for (const block of this.blocks) x = block.forward(x);
    const [, last] = this.rnn.forward(x);
    return this.head.forward(
      this.batchNorm.forward(cat([last.select(0, 0), last.select(0, 1)], 1)),
    );
  }
}

const values = async (x: Tensor | undefined) => [...(await required(x).data())];

test("a state dict of PyTorch loads by its names and gives PyTorch's logits", async () => {
  const model = new Model().eval();
  model.loadStateDict(await safetensors.loadFile(fixture("state.safetensors")));
  expect(await model.batchNorm.numBatchesTracked?.item()).toBe(3);
  const logits = noGrad(() => model.forward(decode(expected.inputs)));
  expectClose("logits", await logits.data(), expected.logits.data.map(numeric), {
    relative: 1e-5,
    absolute: 1e-6,
  });
});

test("every dtype is read", async () => {
  const read = await safetensors.loadFile(fixture("dtypes.safetensors"));
  for (const [name, floats] of Object.entries(expected.floats)) {
    expect(await values(read[name]), name).toEqual(floats.map(numeric).map(Math.fround));
  }
  expect(required(read.f16).dtype).toBe("float16");
  for (const name of ["i8", "i16", "i32", "i64"]) {
    expect(required(read[name]).dtype).toBe("int32");
    expect(await values(read[name]), name).toEqual(expected.wholes);
  }
  for (const name of ["u8", "u16", "u32", "u64"]) {
    expect(required(read[name]).dtype).toBe("uint32");
    expect(await values(read[name]), name).toEqual(expected.naturals);
  }
  expect(required(read.bool).dtype).toBe("bool");
  expect(await values(read.bool)).toEqual([1, 0, 1]);
  expect(read.f64?.shape).toEqual([2, 5]);
  expect(read.scalar?.shape).toEqual([]);
  expect(await read.scalar?.item()).toBe(1.5);
  expect(read.empty?.shape).toEqual([0, 3]);
});

/** Reads the format by its definition, without a line of the product. */
function strictlyRead(path: string) {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, 8 + length).toString("utf8"));
  const { __metadata__: metadata, ...tensors } = header;
  const data = file.subarray(8 + length);
  let at = 0;
  const places = Object.entries<{ dtype: string; shape: number[]; data_offsets: number[] }>(
    tensors,
  );
  const read = places.map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [begin = -1, end = -1],
      },
    ]) => {
      expect(begin, name).toBe(at);
      const width = { BOOL: 1, F16: 2 }[dtype] ?? 4;
      // Aligned in the file, so that a reader may map it.
      expect((8 + length + begin) % width).toBe(0);
      const count = shape.reduce((product, size) => product * size, 1);
      expect(end - begin, name).toBe(count * width);
      at = end;
      const element = (i: number) => {
        if (dtype === "F32") return data.readFloatLE(begin + 4 * i);
        if (dtype === "I32") return data.readInt32LE(begin + 4 * i);
        // As bits.
        if (dtype === "F16") return data.readUInt16LE(begin + 2 * i);
        return dtype === "U32" ? data.readUInt32LE(begin + 4 * i) : data.readUInt8(begin + i);
      };
      return [name, { dtype, shape, data: Array.from({ length: count }, (_, i) => element(i)) }];
    },
  );
  expect(at).toBe(data.length);
  return { metadata, tensors: Object.fromEntries(read) };
}

test("a file of ours holds to the definition, and its tensors come back", async () => {
  const path = join(folder, "ours.safetensors");
  const tensors = {
    mask: tensor([true, false, true]),
    "0.weight": tensor([
      [1.5, -2],
      [Number.NEGATIVE_INFINITY, 1e-40],
    ]),
    count: tensor(-7, { dtype: "int32" }),
    seed: tensor(new Uint32Array([4294967295])),
    none: zeros(0, 2),
    half: tensor([1 / 3, -65_504, 2 ** -24], { dtype: "float16" }),
  };
  await safetensors.saveFile(tensors, path, { made: "here" });
  const denormal = Math.fround(1e-40);
  expect(strictlyRead(path)).toEqual({
    metadata: { format: "pt", made: "here" },
    tensors: {
      mask: { dtype: "BOOL", shape: [3], data: [1, 0, 1] },
      "0.weight": {
        dtype: "F32",
        shape: [2, 2],
        data: [1.5, -2, Number.NEGATIVE_INFINITY, denormal],
      },
      count: { dtype: "I32", shape: [], data: [-7] },
      seed: { dtype: "U32", shape: [1], data: [4294967295] },
      none: { dtype: "F32", shape: [0, 2], data: [] },
      half: { dtype: "F16", shape: [3], data: [0x3555, 0xfbff, 1] },
    },
  });
  const read = await safetensors.loadFile(path);
  for (const [name, { shape, dtype }] of Object.entries(tensors)) {
    expect(read[name], name).toMatchObject({ shape, dtype });
  }
  expect(await values(read["0.weight"])).toEqual([1.5, -2, Number.NEGATIVE_INFINITY, denormal]);
  expect(await values(read.half)).toEqual([0.333251953125, -65_504, 2 ** -24]);
  expect(await safetensors.loadMetadata(path)).toEqual({ format: "pt", made: "here" });
});

test("any state comes back from one file, and its tensors have their paths as names", async () => {
  const path = join(folder, "state.safetensors");
  const model = new nn.Linear(2, 1);
  const extra = {
    best: Number.POSITIVE_INFINITY,
    zero: -0,
    names: ["a", null, true],
    order: new Int32Array([2, 0, 1]),
    left: undefined,
  };
  await save({ model: model.stateDict(), epoch: 3, extra }, path);
  const names = Object.keys(await safetensors.loadFile(path)).sort();
  expect(names).toEqual(["extra.order", "model.bias", "model.weight"]);
  const state = (await load(path)) as { model: nn.StateDict; epoch: number; extra: unknown };
  const { left: _, ...kept } = extra;
  expect(state.extra).toEqual(kept);
  expect(state.epoch).toBe(3);
  const other = new nn.Linear(2, 1);
  other.loadStateDict(state.model);
  expect(await values(other.weight)).toEqual(await values(model.weight));
});

test("a state dict is saved under PyTorch's names, and as it was at the call", async () => {
  const path = join(folder, "model.safetensors");
  const model = new nn.Sequential(new nn.Linear(2, 1));
  const before = await values(model.stateDict()["0.weight"]);
  const saved = save(model.stateDict(), path);
  noGrad(() => model.parameters().map(parameter => parameter.fill_(9)));
  await saved;
  expect(strictlyRead(path).tensors["0.weight"].data).toEqual(before);
  expect(Object.keys((await load(path)) as object).sort()).toEqual(["0.bias", "0.weight"]);
});

test("says what cannot be written, and which file is damaged; nothing is left behind", async () => {
  const before = readdirSync(folder);
  const path = join(folder, "bad.safetensors");
  await expect(save({ a: { b: () => 1 } }, path)).rejects.toThrow(
    "save: a.b is of type function, which cannot be written",
  );
  await expect(save({ when: new Date() }, path)).rejects.toThrow("when is of type Date");
  await expect(save({}, join(folder, "none", "x"))).rejects.toThrow("ENOENT");
  expect(readdirSync(folder)).toEqual(before);

  const good = readFileSync(fixture("dtypes.safetensors"));
  writeFileSync(path, good.subarray(0, good.length - 1));
  await expect(safetensors.loadFile(path)).rejects.toThrow(
    `${path}: not a valid safetensors file: tensor scalar ends behind the end of the file`,
  );
  const header = '{"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}';
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  const wide = Buffer.alloc(8);
  wide.writeBigInt64LE(2n ** 31n);
  writeFileSync(path, Buffer.concat([prefix, Buffer.from(header), wide]));
  await expect(safetensors.loadFile(path)).rejects.toThrow(
    "tensor n: element 0 is 2147483648, which needs more than 32 bits",
  );
});
