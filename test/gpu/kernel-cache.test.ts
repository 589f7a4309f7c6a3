/** The kernels of a script's last run are compiled before its next one needs them. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeEach, expect, test } from "vitest";

const ENGINE = new URL("../../runtime/index.ts", import.meta.url).href;
const DEVICE = new URL("../../runtime/gpu/device.ts", import.meta.url).href;

const folder = mkdtempSync(join(tmpdir(), "stepscope-kernels-"));
const cache = join(folder, "cache");

afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(cache, { recursive: true, force: true }));

/** Trains in a process of its own; tells the loss, and whether the loop waited for kernels. */
function train(batchSize = 4, cacheFolder = cache) {
  const script = join(folder, "train.ts");
  writeFileSync(
    script,
    `import { data, manualSeed, nn, optim, randn } from "${ENGINE}";
    import { counters } from "${DEVICE}";
    manualSeed(1);
    const x = randn(8, 3), y = randn(8, 1);
    await Promise.all([x.data(), y.data()]);
    const model = new nn.Linear(3, 1);
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
    let loss;
    let waited = 0;
    for await (const [a, b] of new data.DataLoader(new data.TensorDataset(x, y), { batchSize: ${batchSize} })) {
      const before = counters.compileMs;
      loss = nn.functional.mseLoss(model.forward(a), b);
      optimizer.zeroGrad();
      loss.backward();
      await optimizer.step();
      waited += counters.compileMs - before;
    }
    await x.sin().data();
    console.log(JSON.stringify({ loss: await loss.item(), waited: waited > 0 }));`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, [script], {
    env: { ...process.env, STEPSCOPE_CACHE: cacheFolder },
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as { readonly loss: number; readonly waited: boolean };
}

function cacheFile(): string {
  const [file, ...others] = readdirSync(cache);
  expect(others).toEqual([]);
  return join(cache, file ?? "");
}

test("the second run of a script does not wait for kernels, and computes the same", () => {
  const first = train();
  expect(first.waited).toBe(true);
  expect(train()).toEqual({ loss: first.loss, waited: false });
});

test("what is needed when the loop has begun is not waited for in the next run", () => {
  const labels = () =>
    (JSON.parse(gunzipSync(readFileSync(cacheFile())).toString()) as { label: string }[]).map(
      ({ label }) => label,
    );
  train(4);
  // A loop of two batches may have no third one.
  expect(labels()).toContain("sin");
  train(2);
  expect(labels()).not.toContain("sin");
});

test("a script that was changed gets the kernels that it needs, and is remembered as it is now", () => {
  train(4);
  expect(train(2).waited).toBe(true);
  expect(train(2).waited).toBe(false);
});

test("a damaged file is ignored, and replaced", () => {
  const { loss } = train();
  const whole = readFileSync(cacheFile());
  const foreign = gzipSync(JSON.stringify([{ code: "fn main(", storages: 1, label: "no WGSL" }]));
  for (const damaged of [whole.subarray(0, 100), Buffer.from("{}"), Buffer.alloc(0), foreign]) {
    writeFileSync(cacheFile(), damaged);
    expect(train()).toEqual({ loss, waited: true });
    expect(train().waited).toBe(false);
  }
});

test("where nothing can be written, or nothing is to be kept, all is as without", () => {
  const { loss } = train();
  writeFileSync(join(folder, "file"), "");
  for (const nowhere of ["", join(folder, "file", "cache")]) {
    expect(train(4, nowhere)).toEqual({ loss, waited: true });
  }
});
