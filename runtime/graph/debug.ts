/** Prints the stages of compiling a tape for a person to read: STEPSCOPE_DEBUG=graph,plan,wgsl. */
import type { KernelCode } from "../kernels/builder.ts";
import { opName } from "../kernels/op.ts";
import { formatShape } from "../tensor/shape.ts";
import type { PlannedKernel } from "./compile.ts";
import type { Binding } from "./layout.ts";
import type { TapeEntry } from "./node.ts";

const STAGES = ["graph", "plan", "wgsl"] as const;
type Stage = (typeof STAGES)[number];

const asked = parseStages(process.env.STEPSCOPE_DEBUG ?? "");

/** @throws Error that names the stages, for a word that is none. */
function parseStages(text: string): ReadonlySet<Stage> {
  const words = text.split(",").filter(word => word !== "");
  const stages = words.map(word => {
    const stage = STAGES.find(stage => stage === word);
    if (stage) return stage;
    throw new Error(`STEPSCOPE_DEBUG: "${word}" is no stage; use ${STAGES.join(", ")}`);
  });
  return new Set(stages);
}

/** The operations of a tape; a star marks those whose values are in memory. */
export function debugGraph(entries: readonly TapeEntry[], stored: readonly boolean[]): void {
  if (!asked.has("graph")) return;
  const lines = entries.map(({ op, inputs, phase }, i) => {
    const from = inputs.length > 0 ? ` ← ${inputs.join(", ")}` : "";
    const mark = stored[i] ? "*" : " ";
    return `${mark}${i} ${phase} ${opName(op)} ${formatShape(op.shape)} ${op.dtype}${from}`;
  });
  print(`graph of ${entries.length} operations`, lines);
}

/** The dispatches of a plan, what they are bound to, and how long it took to compile those that are new. */
export function debugPlan(
  kernels: readonly PlannedKernel[],
  bytes: number,
  compileMs: number,
): void {
  if (!asked.has("plan")) return;
  const lines = kernels.map(({ phase, label, variant, workgroups, bindings }, i) => {
    const name = variant ? `${label}, ${variant},` : label;
    return `${i} ${phase} ${name} (${workgroups.join(" × ")}) ${bindings.map(place).join(" ")}`;
  });
  const title =
    `plan of ${kernels.length} dispatches, ${bytes} bytes of the arena, ` +
    `compiled in ${Math.round(compileMs)} ms`;
  print(title, lines);
}

/** The source of a kernel, with numbered lines. */
export function debugSource({ label, wgsl }: KernelCode): void {
  if (!asked.has("wgsl")) return;
  print(
    `wgsl of ${label}`,
    wgsl.split("\n").map((line, i) => `${String(i + 1).padStart(4)} ${line}`),
  );
}

function place(binding: Binding): string {
  switch (binding.kind) {
    case "arena":
      return `arena[${binding.offset}+${binding.size}]`;
    case "entry":
      return `value ${binding.index}`;
    case "range":
      return "its own";
  }
}

/** To the standard error stream: the standard output is the script's. */
function print(title: string, lines: readonly string[]): void {
  process.stderr.write(`stepscope: ${title}\n${lines.map(line => `  ${line}\n`).join("")}`);
}
