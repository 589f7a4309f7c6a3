import type { Control } from "../runtime/protocol/control.ts";
import type { TensorHistograms } from "../runtime/protocol/histogram.ts";
import type { MetricRecord } from "../runtime/protocol/metric.ts";
import { MOST_COMPARED, type ToPageMessage } from "../runtime/protocol/page.ts";
import { type RunRecord, type SourceLocation, whyNotBegun } from "../runtime/protocol/run.ts";
import type { StepBatch } from "../runtime/protocol/steps.ts";
import { ChartGrid } from "./charts/chartGrid.ts";
import { PictureOutput } from "./charts/pictureOutput.ts";
import { around } from "./charts/window.ts";
import { eventsOf } from "./control/eventMarks.ts";
import { LoopControls } from "./control/loopControls.ts";
import { RateControl } from "./control/rateControl.ts";
import { nearestRow } from "./data/axis.ts";
import { ComparedRuns } from "./data/comparedRuns.ts";
import { Histograms } from "./data/histograms.ts";
import { groupReplicates } from "./data/replicates.ts";
import { RunSeries } from "./data/runSeries.ts";
import { element } from "./dom.ts";
import { FrameLoop } from "./frameLoop.ts";
import type { Host } from "./host.ts";
import { BranchCard } from "./picture/branchCard.ts";
import { PictureCard } from "./picture/pictureCard.ts";
import { onThemeChange } from "./theme.ts";
import { ComparisonBar } from "./view/comparisonBar.ts";
import { DifferenceTable } from "./view/differenceTable.ts";
import { ElementMap } from "./view/elementMap.ts";
import { EmptyState } from "./view/emptyState.ts";
import { ErrorBlock } from "./view/errorBlock.ts";
import { Insights } from "./view/insights.ts";
import { LogTail } from "./view/logTail.ts";
import { Notice } from "./view/notice.ts";
import { RunHeader } from "./view/runHeader.ts";
import { Toolbar } from "./view/toolbar.ts";
import { lasting, parseViewState, type ViewState } from "./viewState.ts";

/** Milliseconds between two drawings while much is on its way: they would hold it up. */
const LOADING_MS = 250;

/** The page: it shows what its host sends, and keeps only what the user has chosen to see. */
export class Panel {
  private readonly host: Host;
  private readonly frames = new FrameLoop(() => this.draw());
  private readonly header: RunHeader;
  private readonly controls: LoopControls;
  private readonly rate: RateControl;
  private readonly error: ErrorBlock;
  private readonly insights: Insights;
  private readonly toolbar: Toolbar;
  private readonly comparison: ComparisonBar;
  private readonly differences: DifferenceTable;
  private readonly picture: PictureCard;
  private readonly branches: BranchCard;
  private readonly charts: ChartGrid;
  private readonly elements: ElementMap;
  private readonly log: LogTail;
  private readonly empty: EmptyState;
  private readonly body: HTMLElement;
  private run: RunRecord | undefined;
  private series = new RunSeries();
  private readonly histograms: Histograms;
  private readonly compared = new ComparedRuns((runFolder, asked) =>
    this.host.post({ type: "bins", runFolder, ...asked }),
  );
  /** Series of the runs that differ in their seed alone, by group. */
  private replicates: readonly (readonly RunSeries[])[] = [];
  private state: ViewState;
  /** What the host was last told to keep. */
  private kept: string;
  private drawTimer: ReturnType<typeof setTimeout> | undefined;
  /** Steps are missing, and the host was asked for all of them. */
  private behind = false;

  constructor(root: HTMLElement, host: Host) {
    this.host = host;
    this.state = parseViewState(host.loadState());
    this.kept = JSON.stringify(lasting(this.state));
    const train = host.isEditor ? () => host.post({ type: "train" }) : undefined;
    this.header = new RunHeader({ stop: () => host.post({ type: "stop" }), train });
    const control = (control: Control) => host.post({ type: "control", control });
    this.branches = new BranchCard({ send: control, choose: change => this.choose(change) });
    this.controls = new LoopControls(control, () => this.branches.open());
    this.rate = new RateControl({
      control,
      write: host.isEditor ? option => host.post({ type: "writeOption", option }) : undefined,
    });
    const openSource = host.isEditor
      ? (location: SourceLocation) => host.post({ type: "openSource", ...location })
      : undefined;
    this.error = new ErrorBlock(openSource);
    this.empty = new EmptyState(new ErrorBlock(openSource), train);
    const notice = new Notice();
    this.histograms = new Histograms((tensor, after) =>
      host.post({ type: "histograms", tensor, after }),
    );
    this.charts = new ChartGrid({
      notice,
      histograms: this.histograms,
      pictures: new PictureOutput(host, notice),
      redraw: () => this.frames.request(),
      choose: change => this.choose(change),
      filled: isFull => this.body.classList.toggle("one-chart", isFull),
    });
    this.elements = new ElementMap(tensor => control({ type: "measure", tensor }));
    this.picture = new PictureCard({ send: control, choose: change => this.choose(change) });
    this.log = new LogTail(logOpen => this.choose({ logOpen }));
    this.log.root.open = this.state.logOpen;
    this.toolbar = new Toolbar({
      choose: change => this.choose(change),
      point: row => this.point(row),
    });
    this.insights = new Insights({
      control,
      point: step => this.point(nearestRow(this.series.positions("step"), step)),
      toggled: insightsOpen => this.choose({ insightsOpen }),
      reveal: host.isEditor ? ({ id }) => host.post({ type: "revealFinding", id }) : undefined,
      explain: host.isEditor ? code => host.post({ type: "explainFinding", code }) : undefined,
    });
    this.comparison = new ComparisonBar({
      list: () => host.post({ type: "listRuns" }),
      compare: compared => this.compare(compared),
      meanSeeds: (meansSeeds, seedBand) => this.choose({ meansSeeds, seedBand }),
      pin: runFolder => host.post({ type: "pin", ...(runFolder !== undefined && { runFolder }) }),
    });
    this.toolbar.root.append(this.charts.menu, this.comparison.root);
    this.differences = new DifferenceTable(
      host.isEditor ? runFolder => host.post({ type: "compareSource", runFolder }) : undefined,
    );
    this.body = element(
      "div",
      { class: "panel", attributes: { hidden: "" } },
      this.header.root,
      this.error.root,
      element(
        "section",
        { class: "toolbar loop-bar", attributes: { "aria-label": "Training" } },
        this.controls.root,
        this.rate.root,
        this.controls.note,
      ),
      this.insights.root,
      this.toolbar.root,
      this.differences.root,
      this.branches.root,
      this.picture.root,
      this.charts.root,
      this.elements.root,
      this.log.root,
      notice.root,
    );
    this.empty.root.hidden = true;
    root.append(this.body, this.empty.root);
    onThemeChange(() => {
      this.charts.retheme();
      this.elements.retheme();
      this.picture.redraw();
      this.branches.redraw();
      this.frames.request();
    });
    // A run that computes for long between two steps still ages.
    setInterval(() => this.run?.status === "running" && this.frames.request(), 1000);
  }

  /** Takes a message of the host. */
  receive(message: ToPageMessage): void {
    switch (message.type) {
      case "hydrate":
        this.hydrate(message);
        break;
      case "empty":
        if (message.run) this.showFailure(message.run);
        else this.showEmpty(message.heading, message.reason);
        break;
      case "resetLayout":
        this.charts.resetLayout();
        break;
      case "run":
        if (this.run) this.showRun(message.run);
        break;
      case "steps":
        if (this.run) this.addSteps(message.batch);
        break;
      case "silenced":
        this.insights.silence(message.findings);
        break;
      case "bins":
        this.receiveBins(message);
        return;
      case "elements":
        if (this.run) this.elements.show(message.elements);
        break;
      case "histograms":
        if (this.run) this.showHistograms(message.histograms);
        break;
      case "metrics":
        if (this.run) this.addMetrics(message.metrics);
        break;
      case "logs":
        if (this.run) this.log.append(message.logs);
        break;
      case "picture":
        this.picture.receive(message.picture);
        break;
      case "branches":
        if (this.run) this.branches.receive(message.branches);
        break;
      case "open":
        this.open(message.part === "branches" ? this.branches : this.picture);
        break;
      case "compare":
        this.compare(message.runFolders);
        break;
      case "compared":
      case "comparedRun":
      case "comparedSteps":
      case "comparedMetrics":
        this.compared.receive(message);
        this.showCharts();
        break;
      case "baseline":
        this.comparison.tell(message.problem ?? "");
        this.compared.pin(message.runFolder, this.state.compared);
        this.showCharts();
        break;
      case "comparedGone":
        this.comparison.tell(message.reason);
        this.compared.receive(message);
        this.choose({ compared: this.state.compared.filter(run => run !== message.runFolder) });
        break;
      case "runs":
        this.comparison.offer(message.runs, this.state);
        break;
    }
    if (message.type === "comparedSteps" && this.compared.isLoading) this.drawLater();
    else this.frames.request();
  }

  private drawLater(): void {
    this.drawTimer ??= setTimeout(() => {
      this.drawTimer = undefined;
      this.frames.request();
    }, LOADING_MS);
  }

  private hydrate(message: Extract<ToPageMessage, { type: "hydrate" }>): void {
    this.behind = false;
    this.series = new RunSeries(asked => this.host.post({ type: "bins", ...asked }));
    if (message.stored) this.series.begin(message.stored, message.run.tensors.length);
    this.compared.clear();
    this.histograms.clear();
    this.showsRun(true);
    this.log.clear();
    this.log.append(message.logs);
    this.insights.silence([]);
    this.showRun(message.run);
    for (const batch of message.batches) this.addSteps(batch);
    if (message.run.steps === 0 && message.run.status !== "running") {
      this.series.addLoggedOnly(message.metrics);
    } else this.addMetrics(message.metrics);
    const { runFolder } = message;
    // A part of one run's axes says nothing of another's.
    const others = { zoom: undefined, follows: false, yZooms: {} };
    const isOther = runFolder !== this.state.runFolder;
    if (isOther) this.choose({ runFolder, ...others });
    const compared = (isOther ? message.compared : undefined) ?? this.state.compared;
    if (compared.length > 0) this.compare(compared);
  }

  private open(card: BranchCard | PictureCard): void {
    if (!this.run) return;
    // It may know nothing of the run yet.
    card.show(this.run, this.series, this.state);
    card.open();
  }

  /** Shows what there is instead of a run. */
  private showEmpty(heading: string, reason: string): void {
    this.empty.show(heading, reason);
    this.showsRun(false);
  }

  /** Shows why a script did not begin. */
  private showFailure(run: RunRecord): void {
    this.empty.showFailure(run);
    this.showsRun(false);
  }

  private showsRun(shows: boolean): void {
    if (!shows) this.run = undefined;
    this.body.hidden = !shows;
    this.empty.root.hidden = shows;
  }

  private showRun(run: RunRecord): void {
    if (whyNotBegun(run)) {
      this.showFailure(run);
      return;
    }
    this.run = run;
    this.header.showRun(run);
    // Its buttons and keys are there before the next drawing is.
    this.controls.show(run, this.series.length);
    this.elements.showRun(run, this.state.tensor);
    this.error.show(run);
    this.showCharts();
  }

  private showCharts(): void {
    if (!this.run) return;
    const events = eventsOf(this.run, this.series.lastStep);
    const { all } = this.compared;
    const shown = { run: this.run, series: this.series };
    const others = all.filter(({ isBaseline }) => !isBaseline);
    this.replicates = groupReplicates([shown, ...others])
      .filter(group => group.length > 1)
      .map(group => group.map(({ series }) => series));
    const joined = this.state.meansSeeds ? this.replicates : [];
    this.charts.show(this.series, this.run, this.state, events, all, joined);
  }

  private showHistograms(histograms: TensorHistograms): void {
    this.histograms.receive(histograms);
    this.showCharts();
  }

  private addSteps(batch: StepBatch): void {
    if (!this.series.append(batch) && !this.behind) {
      this.behind = true;
      this.host.post({ type: "ready" });
    }
    this.showCharts();
  }

  /** Takes what was asked for of the run, or of one that is compared with it. */
  private receiveBins({ runFolder, bins, curves }: Extract<ToPageMessage, { type: "bins" }>): void {
    const series = runFolder === undefined ? this.series : this.compared.seriesOf(runFolder);
    for (const each of bins) series?.receiveBins(each);
    for (const each of curves) series?.receiveCurve(each);
    this.charts.receive();
    this.frames.request(true);
  }

  private addMetrics(metrics: readonly MetricRecord[]): void {
    for (const metric of metrics) this.series.addMetric(metric);
    this.showCharts();
  }

  /** Compares the run with these and no others: the host sends those that are not there yet. */
  private compare(runFolders: readonly string[]): void {
    const others = [...new Set(runFolders)].filter(folder => folder !== this.state.runFolder);
    const compared = others.slice(0, MOST_COMPARED);
    this.comparison.tell(
      compared.length < others.length ? `The first ${MOST_COMPARED} runs are compared.` : "",
    );
    this.compared.keep(compared);
    this.choose({ compared });
    this.host.post({ type: "compare", runFolders: compared });
  }

  /** Points all charts at a row, and shows the steps around it. */
  private point(row: number): void {
    if (row < 0) return;
    this.choose({ zoom: around(this.series, this.state.x, row), follows: false });
    this.charts.point(row);
  }

  private choose(change: Partial<ViewState>): void {
    this.state = { ...this.state, ...change };
    this.host.saveState(this.state);
    this.keep(JSON.stringify(lasting(this.state)));
    if (this.run) this.elements.showRun(this.run, this.state.tensor);
    this.showCharts();
    this.frames.request();
  }

  /** Tells the host what the next panel begins with, where that has changed. */
  private keep(view: string): void {
    if (view === this.kept) return;
    this.kept = view;
    this.host.post({ type: "keepView", view });
  }

  private async draw(): Promise<void> {
    if (!this.run) return;
    this.header.showProgress(this.run, this.series, Date.now());
    this.controls.show(this.run, this.series.length);
    this.rate.show(this.run, this.series);
    this.insights.show(this.run, this.state.insightsOpen);
    this.picture.show(this.run, this.series, this.state);
    this.branches.show(this.run, this.series, this.state);
    this.toolbar.show(this.state, this.series, this.run.status === "running");
    this.comparison.show(this.compared, this.state, this.replicates.length > 0);
    this.differences.show(this.run, this.compared.all);
    await this.charts.draw();
  }
}
