import type { TensorRecord } from "../../runtime/protocol/run.ts";
import { NameSelect, NamesSelect } from "../controls.ts";
import type { RunSeries, ShownTensorColumn } from "../data/runSeries.ts";
import type { ScaleKind } from "../data/scale.ts";
import { element } from "../dom.ts";
import { DASHES, readTheme, type Theme } from "../theme.ts";
import type { ChartId, ViewState } from "../viewState.ts";
import { BandModel } from "./bandModel.ts";
import { type CardContent, type CardOptions, ChartCard } from "./chartCard.ts";
import { Crosshair } from "./crosshair.ts";
import { type Line, LinesModel } from "./linesModel.ts";

/** Lines beside that of all parameters: as many as there are dashes to tell them apart. */
const MOST_TENSORS = DASHES.length - 1;

export interface GridOptions {
  readonly redraw: () => void;
  readonly choose: (change: Partial<ViewState>) => void;
}

/** All charts of a run. */
export class ChartGrid {
  readonly root: HTMLElement;
  private readonly crosshair = new Crosshair();
  private readonly cards: ReadonlyMap<ChartId, ChartCard>;
  private readonly gradientTensors: NamesSelect;
  private readonly tensorSelects: readonly NameSelect[];
  private theme: Theme = readTheme();
  private series: RunSeries | undefined;
  private tensors: readonly TensorRecord[] = [];
  private state: ViewState | undefined;
  /** What the cards were made for; they are made anew when it differs. */
  private made = "";

  constructor({ redraw, choose }: GridOptions) {
    this.gradientTensors = new NamesSelect("Tensors", MOST_TENSORS, names =>
      choose({ gradientTensors: names }),
    );
    const tensorSelect = () => new NameSelect("Tensor", tensor => choose({ tensor }));
    const effectiveLrTensor = tensorSelect();
    const stepSizeTensor = tensorSelect();
    this.tensorSelects = [effectiveLrTensor, stepSizeTensor];
    const card = (id: ChartId, title: string, control?: CardOptions["control"]) =>
      new ChartCard({
        id,
        title,
        ...(control ? { control } : {}),
        crosshair: this.crosshair,
        redraw,
        scaleChosen: scale => choose({ scales: { ...this.state?.scales, [id]: scale } }),
      });
    this.cards = new Map<ChartId, ChartCard>([
      ["loss", card("loss", "Loss")],
      ["gradNorm", card("gradNorm", "Gradient norm", this.gradientTensors)],
      ["effectiveLr", card("effectiveLr", "Effective learning rate", effectiveLrTensor)],
      ["stepSize", card("stepSize", "Step size", stepSizeTensor)],
      ["lr", card("lr", "Learning rate")],
    ]);
    this.root = element(
      "main",
      { class: "charts", attributes: { "aria-label": "Charts" } },
      ...[...this.cards.values()].map(({ root }) => root),
    );
  }

  /** Reads the theme anew. */
  retheme(): void {
    this.theme = readTheme();
    this.made = "";
  }

  /** Shows a run as the user has chosen to see it. */
  show(series: RunSeries, tensors: readonly TensorRecord[], state: ViewState): void {
    if (series !== this.series) {
      this.made = "";
      this.crosshair.point(undefined);
    }
    this.series = series;
    this.tensors = tensors;
    this.state = state;
    for (const card of this.cards.values()) card.invalidate();
  }

  /** Draws what can be seen and is new. */
  async draw(): Promise<void> {
    const { series, state } = this;
    if (!series || !state) return;
    this.remake(series, state);
    for (const card of this.cards.values()) await card.draw(series);
  }

  private remake(series: RunSeries, state: ViewState): void {
    const scales = this.scales(series, state);
    const { smoothing, gradientTensors, tensor } = state;
    const names = this.tensors.map(({ name }) => name);
    const key = JSON.stringify([
      [scales, smoothing, gradientTensors, tensor, names],
      [series.length > 0, series.groups, series.tensor(names.length - 1, "gradNorm") !== undefined],
    ]);
    if (key === this.made) return;
    this.made = key;
    const selected = tensor !== undefined && names.includes(tensor) ? tensor : names[0];
    this.gradientTensors.offer(names, gradientTensors);
    for (const select of this.tensorSelects) select.offer(names, selected ?? "");
    const contents = this.contents(series, state, scales, names.indexOf(selected ?? ""));
    for (const [id, card] of this.cards) {
      const waiting =
        series.length > 0 ? "No optimizer with parameters" : "Waiting for the first step…";
      card.show(contents[id], this.theme, waiting);
    }
  }

  /** A logarithm shows orders of magnitude; a loss that has been negative has none. */
  private scales(series: RunSeries, { scales }: ViewState): Record<ChartId, ScaleKind> {
    const loss = series.step("loss").least < 0 ? "linear" : "log";
    return { loss, gradNorm: "log", effectiveLr: "log", stepSize: "log", lr: "linear", ...scales };
  }

  private contents(
    series: RunSeries,
    { smoothing, gradientTensors }: ViewState,
    scales: Record<ChartId, ScaleKind>,
    tensor: number,
  ): Partial<Record<ChartId, CardContent>> {
    if (series.length === 0) return {};
    const lines = (id: ChartId, axisTitle: string, shown: readonly Line[], weight: number) =>
      ({
        scale: scales[id],
        axisTitle,
        model: new LinesModel(shown, {
          firstStep: series.firstStep,
          scale: scales[id],
          smoothing: weight,
        }),
      }) satisfies CardContent;
    const adaptive = this.tensors[tensor]?.adaptive ?? true;
    return {
      loss: lines(
        "loss",
        "mean loss of the step",
        [{ label: "loss", column: series.step("loss") }],
        smoothing,
      ),
      gradNorm: lines("gradNorm", "‖g‖₂", this.gradientLines(series, gradientTensors), smoothing),
      ...this.bandContent(
        series,
        "effectiveLr",
        "effectiveLr",
        tensor,
        scales,
        adaptive ? "η per element" : "η",
      ),
      ...this.bandContent(series, "stepSize", "stepSize", tensor, scales, "|Δθ| per element"),
      ...(series.groups > 0 ? { lr: lines("lr", "η", rateLines(series), 0) } : {}),
    };
  }

  private gradientLines(series: RunSeries, chosen: readonly string[]): Line[] {
    const ofTensors = this.tensors.flatMap(({ name }, i) => {
      const column = chosen.includes(name) ? series.tensor(i, "gradNorm") : undefined;
      return column ? [{ label: name, column }] : [];
    });
    const all = { label: "all parameters", column: series.step("gradNorm") };
    return [all, ...ofTensors.slice(0, MOST_TENSORS)];
  }

  private bandContent(
    series: RunSeries,
    id: ChartId,
    quantity: "effectiveLr" | "stepSize",
    tensor: number,
    scales: Record<ChartId, ScaleKind>,
    axisTitle: string,
  ): Partial<Record<ChartId, CardContent>> {
    const column = (percentile: "P5" | "P50" | "P95") =>
      series.tensor(tensor, `${quantity}${percentile}` satisfies ShownTensorColumn);
    const [p5, p50, p95] = [column("P5"), column("P50"), column("P95")];
    if (!p5 || !p50 || !p95) return {};
    const model = new BandModel({ p5, p50, p95 }, series.firstStep, scales[id]);
    return { [id]: { scale: scales[id], axisTitle, model } };
  }
}

/** η of each parameter group, as many as can be told apart. */
function rateLines(series: RunSeries): Line[] {
  return Array.from({ length: Math.min(series.groups, DASHES.length) }, (_, group) => {
    const column = series.lr(group);
    return column ? [{ label: series.groups === 1 ? "η" : `group ${group}`, column }] : [];
  }).flat();
}
