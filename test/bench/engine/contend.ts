/** The part of a contender that all have in common: warming up, counting and measuring. */
import { createInterface } from "node:readline";
import type { AdapterRecord } from "../../../runtime/protocol/run.ts";
import type { Calls, Ready, Sample } from "./protocol.ts";
import type { Task, TaskName } from "./tasks.ts";

/** Steps before anything is measured. */
const WARM_UP = 3;

export interface Contender {
  readonly adapter: AdapterRecord;
  readonly device: GPUDevice;
  readonly tasks: Readonly<Record<TaskName, () => Task>>;
}

/** Runs the task that the command line names, as protocol.ts tells. */
export async function contend({ adapter, device, tasks }: Contender): Promise<never> {
  device.addEventListener("uncapturederror", ({ error }) => fail(error));
  const task = tasks[process.argv[2] as TaskName]();
  print(await warmUp(task, adapter, device.queue));
  for await (const line of createInterface(process.stdin)) {
    print(await measure(task, device.queue, Number(line)));
  }
  process.exit(0);
}

/** Work that the device refused would count as fast. */
function fail({ message }: GPUError): never {
  console.error(message);
  process.exit(1);
}

async function warmUp(task: Task, adapter: AdapterRecord, queue: GPUQueue): Promise<Ready> {
  await measure(task, queue, 1);
  const first = await task.probe();
  await measure(task, queue, WARM_UP - 2);
  const count = countCalls();
  const { wall } = await measure(task, queue, 1);
  const calls = count();
  return { adapter, calls, milliseconds: wall, probes: [first, await task.probe()] };
}

async function measure(task: Task, queue: GPUQueue, steps: number): Promise<Sample> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < steps; i++) await task.step();
  await queue.onSubmittedWorkDone();
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1000 / steps, wall: (performance.now() - start) / steps };
}

/** Counts the WebGPU calls from now on; the function that it returns says how many there were. */
function countCalls(): () => Calls {
  const dispatches = counter(GPUComputePassEncoder.prototype, "dispatchWorkgroups");
  const submits = counter(GPUQueue.prototype, "submit");
  const bindGroups = counter(GPUDevice.prototype, "createBindGroup");
  const buffers = counter(GPUDevice.prototype, "createBuffer");
  return () => ({
    dispatches: dispatches(),
    submits: submits(),
    bindGroups: bindGroups(),
    buffers: buffers(),
  });
}

/** Counts the calls of a method, until the function that it returns is called for the number. */
function counter<Name extends string>(
  prototype: Record<Name, (...args: never[]) => unknown>,
  name: Name,
): () => number {
  const original = prototype[name];
  let calls = 0;
  const counting = function (this: unknown, ...args: unknown[]): unknown {
    calls++;
    return Reflect.apply(original, this, args);
  };
  Object.assign(prototype, { [name]: counting });
  return () => {
    Object.assign(prototype, { [name]: original });
    return calls;
  };
}

function print(message: Ready | Sample): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
