/** Ways to divide a matrix product among threads: equal bits, and the quickest is found out once. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  BY_QUADS,
  BY_THREADS,
  OF_ROWS,
  type Product,
  usesQuads,
} from "../../runtime/kernels/divisions.ts";
import { ProductBench } from "../../runtime/kernels/productTiming.ts";
import { randomNumbers } from "../unit/random.ts";

const TIMING = new URL("../../runtime/kernels/productTiming.ts", import.meta.url).href;
const DIVISIONS = new URL("../../runtime/kernels/divisions.ts", import.meta.url).href;

test("every division computes the same bits", async () => {
  const random = randomNumbers(11);
  const size = (most: number) => 1 + Math.floor(random() ** 2 * most);
  for (let round = 0; round < 8; round++) {
    const [batches, k, n] = [size(3), size(150), size(70)];
    const m = round === 0 ? 1 : size(70);
    const product: Product = { batches, m, k, n, transposed: [random() < 0.5, random() < 0.5] };
    const bench = new ProductBench(product);
    const all = [...BY_THREADS, ...OF_ROWS, ...(usesQuads(m, n) ? BY_QUADS : [])];
    let first: Buffer | undefined;
    for (const division of all) {
      const entrant = await bench.prepare(division);
      const bits = entrant && (await bench.bits(entrant));
      first ??= bits;
      expect(bits?.some(byte => byte !== 0)).toBe(true);
      expect(bits && first?.equals(bits), JSON.stringify({ product, division })).toBe(true);
    }
    bench.free();
  }
});

test("a class of products is timed in one process and known in the next", () => {
  const folder = mkdtempSync(join(tmpdir(), "stepscope-products-"));
  const script = join(folder, "time.ts");
  writeFileSync(
    script,
    `import { timeProduct } from "${TIMING}";
    import { divisionOf, divisionsFor } from "${DIVISIONS}";
    const product = { batches: 1, m: 40, k: 50, n: 60, transposed: [false, true] };
    const timed = await timeProduct(product);
    const again = await timeProduct({ ...product, m: 33, n: 64 });
    const other = await timeProduct({ ...product, transposed: [true, false] });
    const quickest = divisionOf(product);
    console.log(JSON.stringify({ timed: [timed, again, other], quickest, ways: divisionsFor(product).length }));
    process.exit();`,
  );
  const run = () => {
    const { stdout, stderr } = spawnSync(process.execPath, [script], {
      env: { ...process.env, STEPSCOPE_CACHE: join(folder, "cache") },
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    return JSON.parse(stdout);
  };
  const first = run();
  expect(first.timed).toEqual([first.ways, 0, first.ways]);
  expect(first.ways).toBeGreaterThan(1);
  expect(run()).toEqual({ ...first, timed: [0, 0, 0] });
  rmSync(folder, { recursive: true });
});
