import type { ScaleKind } from "./data/scale.ts";

export const CHARTS = ["loss", "gradNorm", "effectiveLr", "stepSize", "lr"] as const;
export type ChartId = (typeof CHARTS)[number];

/** What the user has chosen to see. It outlives the page, with the run's folder. */
export interface ViewState {
  readonly runFolder?: string;
  /** Weight of the moving average, 0 … 1. */
  readonly smoothing: number;
  /** Names of the tensors whose gradient norm is drawn beside that of all parameters. */
  readonly gradientTensors: readonly string[];
  /** Name of the tensor whose step sizes are drawn; the first where it is not known. */
  readonly tensor?: string;
  /** Scales that were chosen; a chart without one has its default. */
  readonly scales: Readonly<Partial<Record<ChartId, ScaleKind>>>;
  readonly logOpen: boolean;
}

export const DEFAULT_STATE: ViewState = {
  smoothing: 0.9,
  gradientTensors: [],
  scales: {},
  logOpen: false,
};

/** The state that the host kept, as far as it makes sense; defaults for the rest. */
export function parseViewState(value: unknown): ViewState {
  if (!isRecord(value)) return DEFAULT_STATE;
  const { runFolder, smoothing, gradientTensors, tensor, scales, logOpen } = value;
  return {
    ...(typeof runFolder === "string" ? { runFolder } : {}),
    ...(typeof tensor === "string" ? { tensor } : {}),
    smoothing: isWeight(smoothing) ? smoothing : DEFAULT_STATE.smoothing,
    gradientTensors: Array.isArray(gradientTensors)
      ? gradientTensors.filter(name => typeof name === "string")
      : [],
    scales: isRecord(scales) ? parseScales(scales) : {},
    logOpen: logOpen === true,
  };
}

function parseScales(value: Record<string, unknown>): ViewState["scales"] {
  const known = CHARTS.flatMap(id => {
    const scale = value[id];
    return scale === "log" || scale === "linear" ? [[id, scale] as const] : [];
  });
  return Object.fromEntries(known);
}

function isWeight(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < 1;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
