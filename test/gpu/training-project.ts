/** A folder with scripts that sidecars run, and the count of what they leave behind. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { SidecarConnection } from "../../runtime/client/connection.ts";
import { attachRun, type StartOptions, startRun } from "../../runtime/client/start.ts";
import type { LogRecord, SidecarMessage } from "../../runtime/protocol/messages.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { type StepBatch, stepValue } from "../../runtime/protocol/steps.ts";
import { listRuns } from "../../runtime/store/list.ts";
import { openRun } from "../../runtime/store/reader.ts";

export const SIDECAR = fileURLToPath(new URL("../../runtime/sidecar/main.ts", import.meta.url));
export const CLI = fileURLToPath(new URL("../../runtime/cli/main.ts", import.meta.url));

/** A loop of one parameter: x ← x − lr · 2x, each step about a millisecond. Loss of step 1 is 16. */
export const LOOP = `
import { nn, optim, tensor } from "stepscope";
const x = new nn.Parameter(tensor([4]));
const optimizer = new optim.SGD([x], { lr: 0.1 });
async function steps(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const loss = x.square().sum();
    optimizer.zeroGrad();
    loss.backward();
    await optimizer.step();
  }
}
`;

/** Loss of step `n` of LOOP. */
export const loopLoss = (n: number) => 16 * 0.64 ** (n - 1);

export class TrainingProject {
  readonly folder: string;
  readonly #runtime: string;

  constructor() {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), "stepscope-project-")));
    // A private place for sockets, so that what is left behind can be counted.
    this.#runtime = mkdtempSync(join(tmpdir(), "stepscope-rt-"));
    process.env.XDG_RUNTIME_DIR = this.#runtime;
    this.write("package.json", '{ "type": "module" }');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): string {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  /** Starts a script of the project, and listens. */
  async start(script: string, options: Partial<StartOptions> = {}): Promise<Spectator> {
    const spectator = new Spectator();
    await startRun(
      { script: this.path(script), cwd: this.folder, sidecar: SIDECAR, ...options },
      (message, connection) => spectator.receive(message, connection),
    );
    return spectator;
  }

  /** Connects once more to a run. */
  async attach(run: string): Promise<Spectator> {
    const spectator = new Spectator();
    const connection = await attachRun(run, (message, from) => spectator.receive(message, from));
    if (!connection) throw new Error(`${run} does not live`);
    return spectator;
  }

  /** Runs a script to its end. */
  async run(script: string, options: Partial<StartOptions> = {}): Promise<Spectator> {
    const spectator = await this.start(script, options);
    await spectator.closed;
    return spectator;
  }

  runs(): RunRecord[] {
    return listRuns(this.folder).runs.map(({ record }) => record);
  }

  /** Sockets and registrations that sidecars have left, and processes that work in the project. */
  async survivors(): Promise<string[]> {
    // A process that has said its last word needs a moment to be gone.
    for (let i = 0; i < 100 && this.#survivors().length > 0; i++) await sleep(30);
    return this.#survivors();
  }

  #survivors(): string[] {
    const files = readdirSync(this.#runtime, { recursive: true, withFileTypes: true })
      .filter(entry => !entry.isDirectory())
      .map(entry => join(entry.parentPath, entry.name));
    return [...files, ...processesIn(this.folder)];
  }

  /** Removes it; fails where something has survived. */
  async end(): Promise<void> {
    const survivors = await this.survivors();
    this.remove();
    expect(survivors).toEqual([]);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
    rmSync(this.#runtime, { recursive: true, force: true });
  }
}

/** A client that keeps all that it hears, and reads from the store what came before. */
export class Spectator {
  readonly messages: SidecarMessage[] = [];
  readonly batches: StepBatch[] = [];
  readonly logs: LogRecord[] = [];
  #connection: SidecarConnection | undefined;
  readonly #waiting = new Set<() => void>();

  receive(message: SidecarMessage, connection: SidecarConnection): void {
    this.#connection = connection;
    this.messages.push(message);
    if (message.type === "welcome") this.#catchUp(message.run.steps, message.logs);
    if (message.type === "steps") this.batches.push(message.batch);
    if (message.type === "log") this.logs.push(message.log);
    for (const check of this.#waiting) check();
  }

  #catchUp(steps: number, logs: number): void {
    if (steps === 0 && logs === 0) return;
    const reader = openRun(this.connection.runFolder);
    this.batches.push(...reader.steps(1, steps));
    this.logs.push(...reader.logs(logs));
    reader.close();
  }

  get connection(): SidecarConnection {
    if (!this.#connection) throw new Error("not connected");
    return this.#connection;
  }

  get closed(): Promise<void> {
    return this.connection.closed;
  }

  /** The record that was heard last. */
  get record(): RunRecord {
    const heard = this.messages.flatMap(message => ("run" in message ? [message.run] : []));
    const last = heard.at(-1);
    if (!last) throw new Error("no record was heard");
    return last;
  }

  /** The record of the `end` message. */
  get end(): RunRecord | undefined {
    return this.messages.find(message => message.type === "end")?.run;
  }

  get steps(): number {
    const last = this.batches.at(-1);
    return last ? last.firstStep + last.count - 1 : 0;
  }

  /** Resolves as soon as `condition` holds; fails if the connection ends before. */
  async until(condition: () => boolean): Promise<void> {
    const holds = new Promise<void>(resolve => {
      const check = () => {
        if (condition()) resolve();
      };
      this.#waiting.add(check);
      check();
    });
    const over = this.closed.then(() => {
      if (!condition()) throw new Error(`ended before: ${JSON.stringify(this.messages.at(-1))}`);
    });
    await Promise.race([holds, over]);
  }

  /** The run as the store has it: record and losses. */
  stored(): { readonly record: RunRecord; readonly losses: number[]; readonly logs: LogRecord[] } {
    const reader = openRun(this.connection.runFolder);
    const stored = { record: reader.record(), losses: losses(reader.steps()), logs: reader.logs() };
    reader.close();
    return stored;
  }
}

export function losses(batches: Iterable<StepBatch>): number[] {
  return [...batches].flatMap(batch =>
    Array.from({ length: batch.count }, (_, row) => stepValue(batch, row, "loss")),
  );
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds));
}

/** Processes whose working folder is in `folder` (Linux; none are seen elsewhere). */
function processesIn(folder: string): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
      } catch {
        return false;
      }
    })
    .map(pid => `process ${pid}`);
}
