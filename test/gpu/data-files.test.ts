/** Files that data comes from. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import { loadPeer } from "../../runtime/data/peer.ts";
import { data, type Tensor } from "../../runtime/index.ts";

const folder = mkdtempSync(join(tmpdir(), "stepscope-data-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Made by test/fixtures/arrays.py with NumPy. */
const { cases, archives } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/arrays.json"), "utf8"),
) as {
  cases: Record<string, { shape: number[]; values: number[]; file: string }>;
  archives: Record<string, string>;
};

describe("loadNpy", () => {
  const npy = (name: string) => file("a.npy", Buffer.from(cases[name]?.file ?? "", "base64"));
  const readable = Object.keys(cases).filter(name => name !== "complex" && name !== "wide");

  test.each(readable)("reads %s as NumPy does", async name => {
    const array = await data.loadNpy(npy(name));
    expect(array.shape).toEqual(cases[name]?.shape);
    expect([...(await array.data())]).toEqual(cases[name]?.values);
  });

  test("says what cannot be read, and in which file", async () => {
    await expect(data.loadNpy(npy("complex"))).rejects.toThrow(
      `${join(folder, "a.npy")}: elements of type c16; f4, f8, i1,`,
    );
    await expect(data.loadNpy(npy("wide"))).rejects.toThrow(
      "1099511627776 needs more than 32 bits",
    );
    const whole = readFileSync(npy("<f4"));
    const cut = file("b.npy", whole.subarray(0, whole.length - 1));
    await expect(data.loadNpy(cut)).rejects.toThrow(
      "6 elements of 4 bytes are announced, and there are 23 bytes",
    );
    await expect(data.loadNpy(file("c.npy", "no array at all"))).rejects.toThrow("not a .npy file");
    await expect(data.loadNpy(file("d.npy", whole.subarray(0, 40)))).rejects.toThrow(
      "its header is cut short",
    );
  });
});

describe("loadNpz", () => {
  test.each(Object.keys(archives))("reads a %s archive by names", async name => {
    const path = file("a.npz", Buffer.from(archives[name] ?? "", "base64"));
    const { inputs, arr_0, ...others } = await data.loadNpz(path);
    expect([inputs?.shape, inputs?.dtype, arr_0?.dtype]).toEqual([[2, 3], "float32", "int32"]);
    expect([...((await inputs?.data()) ?? [])]).toEqual([1, 2, 3, 100, 0, 1]);
    expect([...((await arr_0?.data()) ?? [])]).toEqual([1, 2, 3, 100, 0, 1]);
    expect(others).toEqual({});
  });

  test("says what cannot be read, and in which file", async () => {
    const whole = Buffer.from(archives.plain ?? "", "base64");
    const message = "not a .npz file, or it is cut short";
    await expect(data.loadNpz(file("b.npz", whole.subarray(0, 300)))).rejects.toThrow(
      `b.npz: ${message}`,
    );
    await expect(data.loadNpz(file("c.npz", "no archive"))).rejects.toThrow(message);
    const odd = zipSync({ "x.npy": Buffer.from(cases.complex?.file ?? "", "base64") });
    await expect(data.loadNpz(file("d.npz", odd))).rejects.toThrow(
      "d.npz: x: elements of type c16",
    );
  });
});

describe("tokenizers", () => {
  test("characters, by their code points", () => {
    const tokenizer = new data.CharacterTokenizer(["hé", "llo 🙂"]);
    expect(tokenizer.characters).toEqual([" ", "h", "l", "o", "é", "🙂"]);
    const tokens = tokenizer.encode("hello 🙂".replace("e", "é"));
    expect([...tokens]).toEqual([1, 4, 2, 2, 3, 0, 5]);
    expect(tokenizer.decode(tokens)).toBe("héllo 🙂");
    expect(() => tokenizer.encode("hex")).toThrow(
      'CharacterTokenizer: "e" is none of the 6 characters',
    );
    expect(() => tokenizer.decode([6])).toThrow("there is no token 6 among 6");
  });

  test("byte pairs of GPT-2, as its paper's vocabulary has them", async () => {
    const tokenizer = await data.bytePairTokenizer("r50k_base");
    expect(tokenizer.size).toBe(50_257);
    // The tokens that OpenAI's tiktoken documents for GPT-2.
    expect([...tokenizer.encode("hello world")]).toEqual([31373, 995]);
    const text = "Grüße 🙂 <|endoftext|>\n";
    const tokens = tokenizer.encode(text);
    expect(tokens).toBeInstanceOf(Int32Array);
    expect(tokens.includes(50_256)).toBe(false);
    expect(tokenizer.decode(tokens)).toBe(text);
  });

  test("a package that is missing is named", async () => {
    await expect(loadPeer("no-such-package/part", "data.loadThat")).rejects.toThrow(
      "data.loadThat needs the package no-such-package, which is not installed: npm install no-such-package",
    );
  });
});

describe("loadImage", () => {
  /** Two pixels wide, one high: orange, and half of black. */
  const pixels = Uint8Array.of(255, 128, 0, 255, 0, 0, 0, 51);

  test("gives planes from 0 to 1, in the channels and the size asked for", async () => {
    const path = join(folder, "a.png");
    await sharp(pixels, { raw: { width: 2, height: 1, channels: 4 } })
      .png()
      .toFile(path);
    const image = await data.loadImage(path);
    expect(image.shape).toEqual([3, 1, 2]);
    const bytes = async (x: Tensor) => [...(await x.data())].map(value => Math.round(value * 255));
    expect(await bytes(image)).toEqual([255, 0, 128, 0, 0, 0]);
    const withAlpha = await data.loadImage(path, { channels: 4 });
    expect((await bytes(withAlpha)).slice(6)).toEqual([255, 51]);
    const grey = await data.loadImage(path, { channels: 1, size: [3, 3] });
    expect(grey.shape).toEqual([1, 3, 3]);
    await expect(data.loadImage(file("b.png", "no picture"))).rejects.toThrow(/b\.png: .*format/);
  });
});

describe("loadIdx", () => {
  const images = Buffer.from([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 1, 2, 253, 254, 255]);

  test.each([
    ["plain", images],
    ["packed", gzipSync(images)],
  ])("reads a %s file", async (name, bytes) => {
    const array = await data.loadIdx(file(name, bytes));
    expect([array.shape, array.dtype]).toEqual([[2, 3], "int32"]);
    expect([...(await array.data())]).toEqual([0, 1, 2, 253, 254, 255]);
  });

  test("refuses other files", async () => {
    await expect(data.loadIdx(file("x", "abcdefgh"))).rejects.toThrow("x: not an IDX file");
    await expect(data.loadIdx(file("y", images.subarray(0, 17)))).rejects.toThrow(
      "6 elements of 1 bytes are announced, and there are 5 bytes",
    );
    await expect(data.loadIdx(file("z", images.subarray(0, 9)))).rejects.toThrow(
      "its header is cut short",
    );
  });
});

describe("readCsv", () => {
  test("knows quotes, line ends of every kind and a byte order mark", async () => {
    const text = '\ufeffa,"b ""c"""\r\n1,"x,\ny"\n\n,\n"",é';
    expect(await all(data.readCsv(file("a.csv", text)))).toEqual([
      ["a", 'b "c"'],
      ["1", "x,\ny"],
      ["", ""],
      ["", "é"],
    ]);
    expect(await all(data.readCsv(file("a.tsv", "1\t2\n"), { delimiter: "\t" }))).toEqual([
      ["1", "2"],
    ]);
  });

  test("reads only as much of a file as is asked for, and joins its pieces", async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => [`${i}`, `"wörd, ${i}"`]);
    const path = file("a.csv.gz", gzipSync(rows.map(row => row.join(",")).join("\n")));
    const read = await all(data.readCsv(path));
    expect(read.every(([number, text], i) => number === `${i}` && text === `wörd, ${i}`)).toBe(
      true,
    );
    expect(read).toHaveLength(30_000);
    for await (const batch of data.batched(data.readCsv(path), 4)) {
      expect(batch.map(([number]) => number)).toEqual(["0", "1", "2", "3"]);
      break;
    }
  });

  test("says that a quote is open, or that there is no file", async () => {
    await expect(all(data.readCsv(file("b.csv", 'a,"b')))).rejects.toThrow("a quote is not closed");
    await expect(all(data.readCsv(join(folder, "none.csv.gz")))).rejects.toThrow("ENOENT");
  });
});

test("readJsonLines gives the values, and names the line that is none", async () => {
  const path = file("a.jsonl", '{"a": 1}\r\n\n[2]');
  expect(await all(data.readJsonLines(path))).toEqual([{ a: 1 }, [2]]);
  await expect(all(data.readJsonLines(file("b.jsonl", "1\n\n{")))).rejects.toThrow(/b\.jsonl:3: /);
});

test("batched makes lists of a stream, the last one smaller", async () => {
  expect(await all(data.batched([1, 2, 3], 2))).toEqual([[1, 2], [3]]);
  await expect(all(data.batched([1], 0))).rejects.toThrow(
    "batched: batchSize should be a positive integer, got 0",
  );
});
