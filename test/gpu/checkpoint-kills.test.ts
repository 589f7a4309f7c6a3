/** A training process that is killed while it saves checkpoints leaves one to go on from, whole. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { randomNumbers } from "../unit/random.ts";

const folder = mkdtempSync(join(tmpdir(), "stepscope-kills-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Each costs the start of an engine: `KILLS=200` for more of them. */
const KILLS = Number(process.env.KILLS ?? 6);

/** What a kill may take on a machine that does other things, too. */
const KILL_MS = 15_000;

/**
 * A loop that saves a checkpoint of eight megabytes behind each step, and says where it stands. What it goes on
 * from has to be of one step: each adds 1 to every weight.
 */
const LOOP = `
  import { Checkpoints, nn, optim, zeros } from ${JSON.stringify(
    new URL("../../runtime/index.ts", import.meta.url).href,
  )};
  const model = new nn.Linear(1024, 1024, { bias: false });
  model.loadStateDict({ weight: zeros(1024, 1024) });
  const optimizer = new optim.SGD(model.parameters(), { lr: 1, momentum: 0.5 });
  const checkpoints = new Checkpoints({ model, optimizer }, { every: 1, folder: process.argv[1] });
  const { step: done = 0 } = (await checkpoints.resume()) ?? {};
  const weights = new Set(await model.weight.data());
  process.send({ from: done, weights: [...weights] });
  for (let step = done + 1; ; step++) {
    optimizer.zeroGrad();
    // The gradient is -1 less what momentum keeps of the step before.
    model.weight.mul(step === 1 ? -1 : -0.5).sum().backward();
    await optimizer.step();
    await checkpoints.saveIfDue({ step });
    process.send({ saved: step });
  }`;

/** A checkpoint is begun. */
async function writing(): Promise<void> {
  const watcher = watch(folder);
  try {
    for (;;) {
      const [, name] = await once(watcher, "change");
      if (String(name).startsWith(".")) return;
    }
  } finally {
    watcher.close();
  }
}

test(
  "whatever moment it is killed in",
  async () => {
    const random = randomNumbers(4);
    let saved = 0;
    let unfinished = 0;
    for (let kill = 0; kill <= KILLS; kill++) {
      const child = spawn(
        process.execPath,
        ["--input-type=module-typescript", "--eval", LOOP, folder],
        {
          env: { ...process.env, ...(kill > 0 && { STEPSCOPE_RESUME: folder }) },
          stdio: ["ignore", "inherit", "inherit", "ipc"],
        },
      );
      const [begin] = await once(child, "message");
      // What was reported is there; one more may be.
      expect([saved, saved + 1]).toContain(begin.from);
      expect(begin.weights).toEqual([begin.from]);
      child.on("message", (message: { saved?: number }) => {
        saved = message.saved ?? saved;
      });
      await once(child, "message");
      // Every other one is killed while it writes.
      if (kill % 2 === 1) await writing();
      await sleep(random() * (kill % 2 === 1 ? 2 : 200));
      child.kill("SIGKILL");
      await once(child, "exit");
      unfinished += readdirSync(folder).filter(name => name.startsWith(".")).length;
    }
    // Else no kill met a checkpoint that was being written.
    expect(unfinished).toBeGreaterThan(0);
  },
  60_000 + KILLS * KILL_MS,
);
