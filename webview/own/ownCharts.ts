import type { Window } from "../charts/model.ts";
import type { RunSeries } from "../data/runSeries.ts";
import type { Theme } from "../theme.ts";
import type { Notice } from "../view/notice.ts";
import type { ViewState } from "../viewState.ts";
import { columnsOf, type RunColumn } from "./columns.ts";
import { OwnDrawing } from "./drawing.ts";
import { MOST_TEXT, type OwnChart } from "./ownChart.ts";
import { OwnRows } from "./rows.ts";
import { type OwnSpec, readSpec, unknownColumn, usedColumns } from "./spec.ts";
import { SpecDialog, type Verdict } from "./specDialog.ts";

/** Size of a chart that is tried, in CSS pixels. */
const TRIED = { width: 400, height: 200 };

/** A chart of the user's own that can be drawn. */
export interface OwnDefinition extends OwnChart {
  readonly title: string;
  readonly spec: OwnSpec;
}

/** What the page shows at this moment. */
export interface Shown {
  readonly series: RunSeries;
  readonly window: Window;
  /** Index of the tensor that is chosen. */
  readonly tensor: number;
  readonly theme: Theme;
}

export interface OwnChartsOptions {
  readonly notice: Notice;
  readonly choose: (change: Partial<ViewState>) => void;
  /** Undefined while there is no run. */
  readonly shown: () => Shown | undefined;
  /** A chart was written, or brought back. */
  readonly kept: (id: string) => void;
}

/** The charts that the user has written: how they are read, changed and removed. */
export class OwnCharts {
  readonly dialog: SpecDialog;
  private readonly options: OwnChartsOptions;
  private charts: readonly OwnChart[] = [];
  private read: readonly OwnDefinition[] = [];

  constructor(options: OwnChartsOptions) {
    this.options = options;
    this.dialog = new SpecDialog({
      check: text => this.check(text),
      keep: (id, text) => this.keep(id, text),
    });
  }

  /** The charts of a state; those whose text is no specification any more are left out. */
  of({ ownCharts }: ViewState): readonly OwnDefinition[] {
    if (ownCharts !== this.charts) {
      this.charts = ownCharts;
      this.read = ownCharts.flatMap(definition);
    }
    return this.read;
  }

  /** Lets the user write a chart, or a new one. */
  write(id?: string): void {
    const chart = this.charts.find(each => each.id === id);
    this.dialog.open(chart, this.columns());
  }

  /** Takes a chart away; it can be brought back. */
  remove(id: string): void {
    const { charts, options } = this;
    const at = charts.findIndex(chart => chart.id === id);
    const [removed] = charts.slice(at, at + 1);
    if (at < 0 || !removed) return;
    const { title } = this.read.find(each => each.id === id) ?? { title: "The chart" };
    options.choose({ ownCharts: charts.toSpliced(at, 1) });
    options.notice.show(`${title} is removed`, () => {
      options.choose({ ownCharts: this.charts.toSpliced(at, 0, removed) });
      options.kept(id);
    });
  }

  private keep(id: string | undefined, text: string): void {
    const { charts } = this;
    const kept = { id: id ?? `own-${crypto.randomUUID().slice(0, 8)}`, text };
    const isNew = charts.every(chart => chart.id !== kept.id);
    this.options.choose({
      ownCharts: isNew
        ? [...charts, kept]
        : charts.map(chart => (chart.id === kept.id ? kept : chart)),
    });
    this.options.kept(kept.id);
  }

  private columns(): ReadonlyMap<string, RunColumn> {
    const shown = this.options.shown();
    return shown ? columnsOf(shown.series, shown.tensor) : new Map();
  }

  /** Draws it once where nobody sees it. */
  private async check(text: string): Promise<Verdict> {
    try {
      const spec = readSpec(text);
      const columns = this.columns();
      const problem = roomProblem(text, this.charts) ?? unknownColumn(spec, columns);
      const shown = this.options.shown();
      if (problem !== undefined || !shown) return { problem, complaints: [] };
      const rows = new OwnRows(usedColumns(spec, columns));
      rows.write(columns, shown.window);
      const drawing = await OwnDrawing.make(spec, rows.rows, shown.theme, TRIED);
      drawing.dispose();
      return { complaints: drawing.complaints };
    } catch (error) {
      return { problem: error instanceof Error ? error.message : String(error), complaints: [] };
    }
  }
}

function definition(chart: OwnChart): readonly OwnDefinition[] {
  try {
    const spec = readSpec(chart.text);
    return [{ ...chart, spec, title: spec.title || "Chart of your own" }];
  } catch {
    return [];
  }
}

/** Says that there is no room for a text beside others; undefined where there is. */
function roomProblem(text: string, charts: readonly OwnChart[]): string | undefined {
  const others = charts.reduce((sum, chart) => sum + chart.text.length, 0);
  return others + text.length > MOST_TEXT
    ? `All charts of your own have ${MOST_TEXT} characters together at most: ${others + text.length} are too many.`
    : undefined;
}
