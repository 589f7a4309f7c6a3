import { MOST_COMPARED } from "../runtime/protocol/page.ts";
import { PICTURE_VIEWS, type PictureView } from "../runtime/protocol/picture.ts";
import { DEFAULT_LAYOUT, type Layout, LEAST_HEIGHT, MOST_HEIGHT } from "./charts/layout.ts";
import { X_KINDS, type XKind } from "./data/axis.ts";
import type { Range, ScaleKind } from "./data/scale.ts";
import { SEED_BANDS, type SeedBand } from "./data/seedMean.ts";
import { MOST_TEXT, type OwnChart } from "./own/ownChart.ts";

/** What the map of all tensors shows. */
export const MAP_KINDS = ["stepSize", "effectiveLr"] as const;
export type MapKind = (typeof MAP_KINDS)[number];

/** Steps between two pictures of a loop that runs, as one can choose; 0 for none. */
export const DRAWN_EVERY: readonly number[] = [0, 10, 100, 1000];

/** What the user has chosen to see. It outlives the page, with the run's folder. */
export interface ViewState {
  readonly runFolder: string | undefined;
  /** Weight of the moving average, 0 … 1. */
  readonly smoothing: number;
  /** Names of the tensors whose lines are drawn beside that of all parameters. */
  readonly gradientTensors: readonly string[];
  /** Name of the tensor whose step sizes are drawn; the first where it is not known. */
  readonly tensor: string | undefined;
  readonly mapped: MapKind;
  /** What the choice of tensors is filtered by, and names of the modules that are collapsed in it. */
  readonly tensorFilter: string;
  readonly collapsed: readonly string[];
  /** Scales of y axes that were chosen, by chart; a chart without one has its default. */
  readonly scales: Readonly<Record<string, ScaleKind>>;
  readonly x: XKind;
  readonly xScale: ScaleKind;
  /** The part of the x axis that all charts show; undefined for all of it. */
  readonly zoom: Range | undefined;
  /** The part that was chosen moves with the last step. */
  readonly follows: boolean;
  /** The parts of y axes that were chosen, by chart. */
  readonly yZooms: Readonly<Record<string, Range>>;
  /** Outliers are left out of y axes. */
  readonly ignoresOutliers: boolean;
  readonly logOpen: boolean;
  /** What is drawn of the loss around the loop, and whether that is by itself when it is held. */
  readonly pictureView: PictureView;
  readonly drawsWhilePaused: boolean;
  /** Steps between two pictures of a loop that runs; 0 for none. */
  readonly drawsEvery: number;
  /** Folders of the runs that are compared with the one that is shown. */
  readonly compared: readonly string[];
  /** Runs that differ in their seed alone are drawn as their mean and a band. */
  readonly meansSeeds: boolean;
  readonly seedBand: SeedBand;
  /** The findings are unfolded. */
  readonly insightsOpen: boolean;
  readonly layout: Layout;
  /** Charts that the user has written. */
  readonly ownCharts: readonly OwnChart[];
}

export const DEFAULT_STATE: ViewState = {
  runFolder: undefined,
  smoothing: 0.9,
  gradientTensors: [],
  tensor: undefined,
  mapped: "stepSize",
  tensorFilter: "",
  collapsed: [],
  scales: {},
  x: "step",
  xScale: "linear",
  zoom: undefined,
  follows: false,
  yZooms: {},
  ignoresOutliers: true,
  logOpen: false,
  pictureView: "line",
  drawsWhilePaused: true,
  drawsEvery: 0,
  compared: [],
  meansSeeds: false,
  seedBand: "range",
  insightsOpen: false,
  layout: DEFAULT_LAYOUT,
  ownCharts: [],
};

/** What is not of one run: another panel of the workspace begins with it. */
export function lasting(state: ViewState): Partial<ViewState> {
  const ofRun = { runFolder: undefined, zoom: undefined, follows: false, yZooms: {}, compared: [] };
  return { ...state, ...ofRun, layout: { ...state.layout, full: undefined } };
}

/** The state that the host kept, as far as it makes sense; defaults for the rest. */
export function parseViewState(value: unknown): ViewState {
  if (!isRecord(value)) return DEFAULT_STATE;
  const { runFolder, smoothing, gradientTensors, tensor, zoom } = value;
  return {
    runFolder: typeof runFolder === "string" ? runFolder : undefined,
    smoothing: isWeight(smoothing) ? smoothing : DEFAULT_STATE.smoothing,
    gradientTensors: stringsOf(gradientTensors),
    tensor: typeof tensor === "string" ? tensor : undefined,
    mapped: MAP_KINDS.find(kind => kind === value.mapped) ?? DEFAULT_STATE.mapped,
    tensorFilter: typeof value.tensorFilter === "string" ? value.tensorFilter : "",
    collapsed: stringsOf(value.collapsed),
    scales: entriesOf(value.scales, isScale),
    x: X_KINDS.find(kind => kind === value.x) ?? DEFAULT_STATE.x,
    xScale: isScale(value.xScale) ? value.xScale : DEFAULT_STATE.xScale,
    zoom: isRange(zoom) ? zoom : undefined,
    follows: value.follows === true,
    yZooms: entriesOf(value.yZooms, isRange),
    ignoresOutliers: value.ignoresOutliers !== false,
    logOpen: value.logOpen === true,
    pictureView:
      PICTURE_VIEWS.find(view => view === value.pictureView) ?? DEFAULT_STATE.pictureView,
    drawsWhilePaused: value.drawsWhilePaused !== false,
    drawsEvery: DRAWN_EVERY.find(steps => steps === value.drawsEvery) ?? DEFAULT_STATE.drawsEvery,
    compared: stringsOf(value.compared).slice(0, MOST_COMPARED),
    meansSeeds: value.meansSeeds === true,
    seedBand: SEED_BANDS.find(band => band === value.seedBand) ?? DEFAULT_STATE.seedBand,
    insightsOpen: value.insightsOpen === true,
    layout: parseLayout(value.layout),
    ownCharts: parseOwnCharts(value.ownCharts),
  };
}

function parseOwnCharts(value: unknown): readonly OwnChart[] {
  if (!Array.isArray(value)) return [];
  let room = MOST_TEXT;
  return value.flatMap(chart => {
    if (!isRecord(chart)) return [];
    const { id, text } = chart;
    if (typeof id !== "string" || typeof text !== "string" || text.length > room) return [];
    room -= text.length;
    return [{ id, text }];
  });
}

function parseLayout(value: unknown): Layout {
  if (!isRecord(value)) return DEFAULT_LAYOUT;
  const { order, pinned, hidden, heights, full } = value;
  return {
    order: stringsOf(order),
    pinned: stringsOf(pinned),
    hidden: stringsOf(hidden),
    heights: entriesOf(heights, isHeight),
    full: typeof full === "string" ? full : undefined,
  };
}

function stringsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(item => typeof item === "string") : [];
}

/** The entries of an object whose values are of a kind. */
function entriesOf<T>(value: unknown, is: (value: unknown) => value is T): Record<string, T> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, T] => is(entry[1])),
  );
}

function isScale(value: unknown): value is ScaleKind {
  return value === "log" || value === "linear";
}

function isRange(value: unknown): value is Range {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every(Number.isFinite) &&
    value[0] < value[1]
  );
}

function isHeight(value: unknown): value is number {
  return typeof value === "number" && value >= LEAST_HEIGHT && value <= MOST_HEIGHT;
}

function isWeight(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < 1;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
