/**
 * Traces: runs as JSON lines. Each run is a line `{"type": "meta", …}` and then a line a step, whose
 * numbers are left out where they are not defined or not finite.
 */
import { type RunPlan, type StepRecord, USUAL_MOMENTUM } from "./record.ts";
import { usualRate } from "./usualRate.ts";

/** A run of a trace. */
export interface TraceRun {
  readonly scenario: string;
  readonly plan: RunPlan;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly records: StepRecord[];
}

/**
 * Reads a trace, a run at a time.
 * @param lines the lines of the file, in order.
 * @param name of the file, for messages.
 * @throws SyntaxError that names file and line where one is not what it should be.
 */
export function* readTrace(lines: Iterable<string>, name: string): Generator<TraceRun> {
  let run: TraceRun | undefined;
  let number = 0;
  for (const line of lines) {
    number++;
    if (line.trim() === "") continue;
    const place = `${name}:${number}`;
    const value = parseLine(line, place);
    if (value.type === "meta") {
      if (run) yield run;
      run = {
        scenario: String(value.scenario ?? ""),
        plan: planOf(value, place),
        meta: value,
        records: [],
      };
    } else {
      if (!run)
        throw new SyntaxError(`${place}: expected a line of type "meta" before the first step`);
      run.records.push(recordOf(value, run, place));
    }
  }
  if (!run) throw new SyntaxError(`${name}: there is no run in it`);
  yield run;
}

type Line = Readonly<Record<string, unknown>>;

function parseLine(line: string, place: string): Line {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new SyntaxError(`${place}: not JSON: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Line;
  throw new SyntaxError(`${place}: expected an object`);
}

function planOf(meta: Line, place: string): RunPlan {
  const optimizer = String(meta.optimizer ?? "");
  const lr = required(meta, "lr", place);
  const plannedSteps = optionalNumber(meta, "plannedSteps", place);
  const fallback = /mom|nesterov/i.test(optimizer) ? USUAL_MOMENTUM : 0;
  return {
    usualRate: usualRate(optimizer),
    momentum: optionalNumber(meta, "momentum", place) ?? fallback,
    plannedSteps: plannedSteps !== undefined && plannedSteps > 0 ? plannedSteps : undefined,
    lr,
    scheduled: typeof meta.schedule === "string" && !/^const/i.test(meta.schedule),
    parameters: optionalNumber(meta, "parameters", place) ?? Number.NaN,
    pretrained: meta.pretrained === true,
    fromZero: false,
    resumed: meta.resumed === true,
    guess: Number.NaN,
    group: 0,
  };
}

function recordOf(line: Line, { records }: TraceRun, place: string): StepRecord {
  const t = required(line, "t", place);
  const before = records.at(-1)?.t;
  if (!Number.isSafeInteger(t) || t < 0 || (before !== undefined && t <= before)) {
    throw new SyntaxError(`${place}: "t" is ${t}; steps are whole numbers that count up`);
  }
  const of = (name: string): number => optionalNumber(line, name, place) ?? Number.NaN;
  return {
    t,
    lr: of("lr"),
    loss: of("loss"),
    gradNorm: of("g"),
    weightNorm: of("w"),
    updateNorm: of("u"),
    travel: of("travel"),
    tensors: 1,
  };
}

function required(line: Line, name: string, place: string): number {
  const value = optionalNumber(line, name, place);
  if (value === undefined) throw new SyntaxError(`${place}: "${name}" is missing`);
  return value;
}

function optionalNumber(line: Line, name: string, place: string): number | undefined {
  const value = line[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number") return value;
  // As `--json` writes what is no number.
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  throw new SyntaxError(`${place}: "${name}" should be a number, got ${JSON.stringify(value)}`);
}
