/** Checks of values that come from outside of the process: a socket, a file. */

import type { BinsRequest, TensorBins } from "./bins.ts";
import { type Branch, type Branches, branchObjection } from "./branch.ts";
import {
  type ChangeRecord,
  type Control,
  LIVE_OPTIONS,
  type OptionRecord,
  optionObjection,
  type SetOption,
} from "./control.ts";
import {
  type CurveBins,
  type CurveName,
  type CurveRequest,
  DERIVED_COLUMNS,
  type Smoothing,
} from "./curves.ts";
import { MOST_ELEMENTS, type TensorElements } from "./elements.ts";
import {
  type Evidence,
  FINDING_CODES,
  FINDING_STATES,
  type Finding,
  type FindingSubject,
  HYPERPARAMETERS,
  SEVERITIES,
  type Suggestion,
} from "./finding.ts";
import type { TensorHistograms } from "./histogram.ts";
import { type ClientMessage, LOG_LEVELS, type LogRecord, type SidecarMessage } from "./messages.ts";
import type { MetricRecord } from "./metric.ts";
import type { OptionValue, StoredSteps } from "./page.ts";
import {
  type LinePicture,
  type PathPoint,
  PICTURE_VIEWS,
  type Picture,
  type SurfacePicture,
} from "./picture.ts";
import type { PlannedRates } from "./plannedRates.ts";
import type { LearningRateProbe, RangePoint, RangeTest, RateTrial, TravelProbe } from "./probe.ts";
import type { RewindRecord } from "./rewind.ts";
import {
  type AdapterRecord,
  type EnvironmentRecord,
  type GroupRecord,
  OPTIMIZER_NAMES,
  type OverrideRecord,
  type RepositoryRecord,
  RUN_STATUSES,
  type RunError,
  type RunRecord,
  type SourceLocation,
  type TensorRecord,
} from "./run.ts";
import { STEP_COLUMNS, type StepBatch, type StepCurves, TENSOR_COLUMNS } from "./steps.ts";

/** Returns the value if it is a `T`; else throws an error that names `path`. */
export type Check<T> = (value: unknown, path: string) => T;

/** Checks of an object's properties: those of `T`, no more and no fewer. */
export type Shape<T> = { readonly [K in keyof T]-?: Check<T[K]> };

function wrong(path: string, expected: string, value: unknown): Error {
  const got = value === null ? "null" : typeof value;
  return new TypeError(`${path}: expected ${expected}, got ${got}`);
}

function primitive<T>(name: "string" | "number" | "boolean"): Check<T> {
  return (value, path) => {
    if (typeof value !== name) throw wrong(path, name, value);
    return value as T;
  };
}

export const string = primitive<string>("string");
export const number = primitive<number>("number");
export const boolean = primitive<boolean>("boolean");

/** A whole number from zero up. */
export const count: Check<number> = (value, path) => {
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw wrong(path, "a count", value);
  return value as number;
};

/** A whole number from one up. */
export const positive: Check<number> = (value, path) => {
  if (count(value, path) === 0) throw wrong(path, "a positive count", value);
  return value as number;
};

export function literal<T extends string>(...allowed: readonly T[]): Check<T> {
  return (value, path) => {
    if (!allowed.includes(value as T)) throw wrong(path, allowed.join(" | "), value);
    return value as T;
  };
}

export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, path) => (value === undefined ? undefined : check(value, path));
}

export function list<T>(check: Check<T>): Check<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, "an array", value);
    for (const [i, item] of value.entries()) check(item, `${path}[${i}]`);
    return value;
  };
}

export function object<T extends object>(shape: Shape<T>): Check<T> {
  return (value, path) => {
    if (typeof value !== "object" || value === null) throw wrong(path, "an object", value);
    for (const key of Object.keys(shape) as (keyof T & string)[]) {
      shape[key]((value as Partial<T>)[key], `${path}.${key}`);
    }
    return value as T;
  };
}

/** One of several objects, told apart by their `type`. */
export function union<T extends { readonly type: string }>(
  members: {
    readonly [K in T["type"]]: Shape<Omit<Extract<T, { type: K }>, "type">>;
  },
): Check<T> {
  const checks = new Map<unknown, Check<object>>(
    Object.entries(members).map(([type, shape]) => [type, object(shape as Shape<object>)]),
  );
  return (value, path) => {
    const type = (value as { type?: unknown } | null | undefined)?.type;
    const check = checks.get(type);
    if (!check) throw wrong(`${path}.type`, [...checks.keys()].join(" | "), type);
    return check(value, path) as T;
  };
}

const location = object<SourceLocation>({ file: string, line: count, column: count });

const adapter = object<AdapterRecord>({
  vendor: string,
  architecture: string,
  description: string,
  software: boolean,
});

const tensor = object<TensorRecord>({
  name: string,
  shape: list(count),
  group: count,
  optimizer: literal(...OPTIMIZER_NAMES),
  momentum: boolean,
  adaptive: boolean,
  sampled: count,
  trained: optional(boolean) as Check<boolean>,
});

const runError = object<RunError>({
  message: string,
  stack: optional(string) as Check<string>,
  location: optional(location) as Check<SourceLocation>,
});

function finite(value: unknown, path: string): number {
  if (!Number.isFinite(value)) throw wrong(path, "a finite number", value);
  return value as number;
}

function range(value: unknown, path: string): readonly [number, number] {
  const ends = list(finite)(value, path);
  const [low, high] = ends;
  if (ends.length !== 2 || low === undefined || high === undefined) {
    throw wrong(path, "two numbers", value);
  }
  return [low, high];
}

const evidence = object<Evidence>({
  name: string,
  value: finite,
  expected: optional(range) as Check<readonly [number, number]>,
  text: string,
});

/** Evidence of one number convinces nobody. */
const MINIMUM_EVIDENCE = 2;

function evidences(value: unknown, path: string): readonly Evidence[] {
  const numbers = list(evidence)(value, path);
  if (numbers.length < MINIMUM_EVIDENCE) throw wrong(path, "two numbers or more", value);
  return numbers;
}

const suggestion = object<Suggestion>({
  target: literal(...HYPERPARAMETERS),
  from: finite,
  to: finite,
  range,
});

const subject = union<FindingSubject>({
  hyperparameter: { name: literal(...HYPERPARAMETERS), group: count },
  tensor: { name: string },
  loop: {},
});

/** A finding, with numbers for evidence. */
export const finding: Check<Finding> = object<Finding>({
  id: string,
  code: literal(...FINDING_CODES),
  severity: literal(...SEVERITIES),
  state: literal(...FINDING_STATES),
  title: string,
  message: string,
  about: subject,
  confidence: finite,
  since: count,
  step: count,
  evidence: evidences,
  suggestion: optional(suggestion) as Check<Suggestion>,
  location: optional(location) as Check<SourceLocation>,
  supersedes: optional(string) as Check<string>,
});

const change = object<ChangeRecord>({
  step: count,
  group: count,
  name: literal(...LIVE_OPTIONS),
  from: number,
  to: number,
});

const option = object<OptionRecord>({
  group: count,
  name: literal(...LIVE_OPTIONS),
  value: number,
  own: number,
});

/** What a page asks to be written into the script. */
export const optionValue = object<OptionValue>({
  group: count,
  name: literal(...LIVE_OPTIONS),
  value: finite,
});

const plannedShape = object<PlannedRates>({
  group: count,
  steps: list(count),
  lr: list(finite),
  isOpen: boolean,
});

/** Rates of steps that rise, one for each. */
const planned: Check<PlannedRates> = (value, path) => {
  const plan = plannedShape(value, path);
  const { steps, lr } = plan;
  const rises = steps.every((step, i) => step > (steps[i - 1] ?? -1));
  if (!rises || lr.length !== steps.length) {
    throw new TypeError(`${path}: expected a rate for each of steps that rise`);
  }
  return plan;
};

const rewind = object<RewindRecord>({ step: count, to: count });

export const overrides = object<OverrideRecord>({
  lr: optional(number) as Check<number>,
  seedOffset: optional(count) as Check<number>,
});

/** Options with text for values, as an object. */
const texts: Check<Readonly<Record<string, string>>> = (value, path) => {
  const options = object<Record<string, never>>({})(value, path);
  for (const [name, text] of Object.entries(options)) string(text, `${path}.${name}`);
  return options;
};

export const runRecord: Check<RunRecord> = object<RunRecord>({
  id: string,
  script: string,
  args: list(string),
  sourceHash: optional(string) as Check<string>,
  status: literal(...RUN_STATUSES),
  startedAt: number,
  endedAt: optional(number) as Check<number>,
  pid: count,
  paused: optional(boolean) as Check<boolean>,
  runsToFinding: optional(boolean) as Check<boolean>,
  heldFor: optional(string) as Check<string>,
  groups: optional(list(object<GroupRecord>({ group: count, options: texts }))) as Check<
    readonly GroupRecord[]
  >,
  environment: optional(
    object<EnvironmentRecord>({ node: string, platform: string }),
  ) as Check<EnvironmentRecord>,
  repository: optional(
    object<RepositoryRecord>({
      commit: string,
      changedFiles: count,
      patchHash: optional(string) as Check<string>,
    }),
  ) as Check<RepositoryRecord>,
  planned: optional(list(planned)) as Check<readonly PlannedRates[]>,
  options: optional(list(option)) as Check<readonly OptionRecord[]>,
  changes: optional(list(change)) as Check<readonly ChangeRecord[]>,
  rewinds: optional(list(rewind)) as Check<readonly RewindRecord[]>,
  kept: optional(list(count)) as Check<readonly number[]>,
  seed: number,
  overrides: optional(overrides) as Check<OverrideRecord>,
  version: string,
  adapter: optional(adapter) as Check<AdapterRecord>,
  tensors: list(tensor),
  steps: count,
  finalLoss: number,
  error: optional(runError) as Check<RunError>,
  unjudged: optional(string) as Check<string>,
  findings: list(finding),
});

export const logRecord = object<LogRecord>({
  level: literal(...LOG_LEVELS),
  text: string,
  time: number,
  step: count,
});

export const metricRecord = object<MetricRecord>({
  name: string,
  value: number,
  step: count,
  time: number,
});

function float64Array(value: unknown, path: string): Float64Array {
  if (!(value instanceof Float64Array)) throw wrong(path, "a Float64Array", value);
  return value;
}

function float32Array(value: unknown, path: string): Float32Array {
  if (!(value instanceof Float32Array)) throw wrong(path, "a Float32Array", value);
  return value;
}

const batchShape = object<StepBatch>({
  firstStep: count,
  count,
  groups: count,
  tensorCount: count,
  steps: float64Array,
  lr: float64Array,
  tensors: float32Array,
});

/** A batch whose columns are as long as its counts say. */
export const stepBatch: Check<StepBatch> = (value, path) => {
  const batch = batchShape(value, path);
  const { count: rows, groups, tensorCount } = batch;
  const fits =
    batch.steps.length === rows * STEP_COLUMNS.length &&
    batch.lr.length === rows * groups &&
    batch.tensors.length === rows * tensorCount * TENSOR_COLUMNS.length;
  if (!fits) throw new TypeError(`${path}: columns do not have ${rows} rows`);
  return batch;
};

const curvesShape = object<StepCurves>({
  firstStep: count,
  count,
  columns: (value, path) => {
    if (typeof value !== "object" || value === null) throw wrong(path, "an object", value);
    for (const [name, column] of Object.entries(value)) float64Array(column, `${path}.${name}`);
    return value;
  },
  groups: count,
  lr: float64Array,
});

/** Columns that are as long as their count says. Names that are not known may be among them. */
export const stepCurves: Check<StepCurves> = (value, path) => {
  const curves = curvesShape(value, path);
  const { count: rows, columns, groups, lr } = curves;
  const fit = Object.values(columns).every(column => column.length === rows);
  if (!fit || lr.length !== rows * groups) {
    throw new TypeError(`${path}: columns do not have ${rows} rows`);
  }
  return curves;
};

function uint32Array(value: unknown, path: string): Uint32Array {
  if (!(value instanceof Uint32Array)) throw wrong(path, "a Uint32Array", value);
  return value;
}

/** Bins that are sent at once at most: a chart as wide as a screen, of a thousand tensors. */
const MOST_BINS = 2 ** 22;

const requestShape = object<BinsRequest>({
  column: literal(...TENSOR_COLUMNS),
  tensors: list(count),
  width: positive,
  from: count,
  to: count,
  only: optional(literal("mean")) as Check<"mean">,
});

/** Bins that can be asked for. */
export const binsRequest: Check<BinsRequest> = (value, path) => {
  const request = requestShape(value, path);
  checkRange(request, request.tensors.length, path);
  return request;
};

function checkRange(
  { width, from, to }: Pick<BinsRequest, "width" | "from" | "to">,
  series: number,
  path: string,
): void {
  if (!Number.isInteger(Math.log2(width)))
    throw wrong(path, "a width that is a power of two", width);
  const bins = (Math.floor(to / width) - Math.floor(from / width) + 1) * series;
  if (bins < 0 || bins > MOST_BINS) throw wrong(path, `at most ${MOST_BINS} bins`, bins);
}

const curveName: Check<CurveName> = (value, path) => {
  const name = string(value, path);
  if (/^lr\/\d{1,4}$/.test(name)) return name as CurveName;
  return literal(...STEP_COLUMNS, ...DERIVED_COLUMNS)(value, path);
};

const curveRequestShape = object<CurveRequest>({
  name: curveName,
  width: positive,
  from: count,
  to: count,
  smoothing: optional(
    object<Smoothing>({ weight: finite, scale: literal("linear", "log") }),
  ) as Check<Smoothing>,
});

/** A request whose answer is not too large. */
export const curveRequest: Check<CurveRequest> = (value, path) => {
  const request = curveRequestShape(value, path);
  const { smoothing } = request;
  checkRange(request, 1, path);
  if (smoothing && !(smoothing.weight > 0 && smoothing.weight < 1)) {
    throw wrong(path, "a weight between 0 and 1", smoothing.weight);
  }
  return request;
};

const curveBinsShape = object<CurveBins>({
  request: curveRequest,
  first: count,
  last: count,
  low: float64Array,
  mean: float64Array,
  high: float64Array,
  info: uint32Array,
  averages: float64Array,
  biases: float64Array,
});

/** Bins whose planes fit together. */
export const curveBins: Check<CurveBins> = (value, path) => {
  const bins = curveBinsShape(value, path);
  const { request, low, mean, high, info, averages, biases } = bins;
  const { length } = mean;
  const [planes, states] = [request.width === 1 ? 0 : length, request.smoothing ? length : 0];
  const fit =
    [low, high, info].every(plane => plane.length === planes) &&
    [averages, biases].every(plane => plane.length === states);
  if (!fit) throw new TypeError(`${path}: planes do not have ${length} bins`);
  return bins;
};

export const storedSteps: Check<StoredSteps> = (value, path) => {
  const stored = storedShape(value, path);
  if (stored.totals.length === 3 * stored.names.length) return stored;
  throw new TypeError(`${path}.totals: not three numbers of each quantity`);
};

const storedShape = object<StoredSteps>({
  first: positive,
  last: positive,
  names: list(curveName),
  totals: float64Array,
});

const binsShape = object<TensorBins>({
  request: binsRequest,
  first: count,
  count,
  last: count,
  low: float32Array,
  mean: float32Array,
  high: float32Array,
  info: uint32Array,
});

/** Bins that are as many as were asked for. */
export const tensorBins: Check<TensorBins> = (value, path) => {
  const bins = binsShape(value, path);
  const { request, low, mean, high, info } = bins;
  const length = bins.count * request.tensors.length;
  const others = request.only ? 0 : length;
  const fit =
    mean.length === length &&
    [low, high].every(plane => plane.length === others) &&
    (info.length === length || (request.only !== undefined && info.length === 1));
  if (!fit) throw new TypeError(`${path}: planes do not have ${length} bins`);
  return bins;
};

const learningRateProbe = object<LearningRateProbe>({
  done: count,
  steps: count,
  lr: number,
  last: object<LearningRateProbe["last"]>({ lr: number, loss: number }),
  range: object<RangeTest>({
    curve: list(object<RangePoint>({ lr: number, loss: number, smoothed: number })),
    suggestion: optional(number) as Check<number>,
  }),
  travel: optional(
    object<TravelProbe>({
      lr: number,
      steps: count,
      travel: number,
      expected: optional(number),
      suggestion: optional(number),
      horizon: number,
    }),
  ),
  trials: list(object<RateTrial>({ lr: number, steps: count, loss: number })),
  suggestion: optional(number),
  confidence: literal("high", "low"),
});

const line: Check<LinePicture> = (value, path) => {
  const checked = object<LinePicture>({
    parameter: optional(string) as Check<string>,
    xs: float64Array,
    losses: float64Array,
    from: number,
    fromLoss: number,
    to: number,
    toLoss: number,
    slope: number,
    lr: number,
  })(value, path);
  if (checked.xs.length === checked.losses.length) return checked;
  throw new TypeError(`${path}: there are not as many losses as places`);
};

const surface: Check<SurfacePicture> = (value, path) => {
  const checked = object<SurfacePicture>({
    names: (names, at) => {
      const [x = "", y = ""] = list(string)(names, at);
      return [x, y];
    },
    xs: float64Array,
    ys: float64Array,
    losses: float64Array,
  })(value, path);
  const { xs, ys, losses } = checked;
  if (xs.length * ys.length === losses.length) return checked;
  throw new TypeError(`${path}: there are not as many losses as places`);
};

/** A picture whose losses are as many as its places. */
export const picture: Check<Picture> = object<Picture>({
  view: literal(...PICTURE_VIEWS),
  step: count,
  done: count,
  total: count,
  problem: optional(string) as Check<string>,
  line: optional(line) as Check<LinePicture>,
  surface: optional(surface) as Check<SurfacePicture>,
  path: list(object<PathPoint>({ step: count, x: number, y: number })),
});

/** What was measured of a tensor's elements, of which there are not too many. */
export const tensorElements: Check<TensorElements> = (value, path) => {
  const checked = object<TensorElements>({
    tensor: count,
    step: count,
    stepSizes: float32Array,
    problem: optional(string) as Check<string>,
  })(value, path);
  if (checked.stepSizes.length <= MOST_ELEMENTS) return checked;
  throw new TypeError(`${path}: more than ${MOST_ELEMENTS} elements`);
};

export const tensorHistograms = object<TensorHistograms>({
  tensor: count,
  steps: float64Array,
  words: float32Array,
});

const setShape = {
  group: count,
  name: literal(...LIVE_OPTIONS),
  value: optional(finite) as Check<number>,
};

const branch = object<Branch>({
  factor: finite,
  lr: number,
  losses: float64Array,
  changes: list(object<SetOption>({ type: literal("set"), ...setShape })),
});

export const branches: Check<Branches> = object<Branches>({
  step: count,
  steps: positive,
  count: positive,
  branches: list(branch),
  isOver: boolean,
  problem: optional(string) as Check<string>,
});

const controlShape: Check<Control> = union<Control>({
  pause: {},
  resume: {},
  step: { count: positive },
  runTo: { step: positive },
  runToFinding: {},
  locateNonFinite: {},
  rewind: { step: positive },
  draw: { view: literal(...PICTURE_VIEWS) },
  measure: { tensor: count },
  stopDrawing: {},
  branch: { factors: list(number), steps: number },
  stopBranching: {},
  set: setShape,
});

/** A control that came from outside. */
export const control: Check<Control> = (value, path) => {
  const checked = controlShape(value, path);
  if (checked.type === "branch") {
    const objection = branchObjection(checked.factors, checked.steps);
    if (objection) throw new TypeError(`${path}: ${objection}`);
  }
  if (checked.type !== "set" || checked.value === undefined) return checked;
  const objection = optionObjection(checked.name, checked.value);
  if (objection) throw new TypeError(`${path}.value: ${objection}`);
  return checked;
};

const clientMessage = union<ClientMessage>({
  hello: { version: number, token: string },
  stop: { patienceMs: optional(count) as Check<number> },
  control: { control },
  ease: { isEased: boolean },
});

const sidecarMessage = union<SidecarMessage>({
  welcome: { version: number, run: runRecord, logs: count, metrics: count },
  run: { run: runRecord },
  steps: { batch: stepBatch },
  log: { log: logRecord },
  metric: { metric: metricRecord },
  finding: { finding },
  probe: { probe: learningRateProbe },
  picture: { picture },
  branches: { branches },
  elements: { elements: tensorElements },
  end: { run: runRecord },
  refused: { reason: string },
});

/** A message that a sidecar received. Throws a TypeError that says what is wrong with it. */
export function parseClientMessage(value: unknown): ClientMessage {
  return clientMessage(value, "message");
}

/** A message that a client received. Throws a TypeError that says what is wrong with it. */
export function parseSidecarMessage(value: unknown): SidecarMessage {
  return sidecarMessage(value, "message");
}
