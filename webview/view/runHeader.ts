import type { AdapterRecord, RunRecord, RunStatus } from "../../runtime/protocol/run.ts";
import { button } from "../controls.ts";
import { baseName, formatCount, formatDuration, formatRate, formatValue } from "../data/format.ts";
import { type RunSeries, secondsLeft, stepsPerSecond } from "../data/runSeries.ts";
import { element, icon, setText } from "../dom.ts";

/** How a run stands, with what its clients have done to it. */
type ShownStatus = RunStatus | "paused";

/** Icons that stand still: one that turns takes a frame of the whole window, again and again. */
const STATUS: Readonly<Record<ShownStatus, { readonly icon: string; readonly label: string }>> = {
  running: { icon: "play-circle", label: "Running" },
  paused: { icon: "debug-pause", label: "Paused" },
  completed: { icon: "pass-filled", label: "Completed" },
  failed: { icon: "error", label: "Failed" },
  stopped: { icon: "stop-circle", label: "Stopped" },
  crashed: { icon: "flame", label: "Crashed" },
};

/** Time over which the rate of a live run is measured, in milliseconds. */
const RATE_WINDOW = 2000;

export interface HeaderActions {
  readonly stop: () => void;
  /** Undefined where nothing can be trained. */
  readonly train: (() => void) | undefined;
}

/** Which script runs, how it stands, and where it is. */
export class RunHeader {
  readonly root: HTMLElement;
  private readonly name = element("h1");
  private readonly status = element("span", { class: "status", attributes: { role: "status" } });
  private readonly stop;
  private readonly train;
  private readonly facts = new Map<string, HTMLElement>();
  private readonly note = element("p", { class: "note", attributes: { hidden: "" } });
  private shown: ShownStatus | undefined;

  constructor({ stop, train }: HeaderActions) {
    this.stop = button("Stop", "debug-stop", () => {
      this.stop.disabled = true;
      stop();
    });
    this.train = train && button("Train again", "debug-restart", train);
    const list = element("dl", { class: "facts" });
    for (const name of ["Step", "Epoch", "Loss", "Steps/s", "Time", "Adapter"]) {
      const value = element("dd", { text: "–", attributes: { "data-fact": name.toLowerCase() } });
      this.facts.set(name, value);
      list.append(element("div", {}, element("dt", { text: name }), value));
    }
    this.root = element(
      "header",
      { class: "run", attributes: { "aria-label": "Run" } },
      element(
        "div",
        { class: "run-title" },
        this.name,
        this.status,
        element("div", { class: "actions" }, this.stop, ...(this.train ? [this.train] : [])),
      ),
      list,
      this.note,
    );
  }

  /** Shows a run's record: name, state, adapter. */
  showRun(run: RunRecord): void {
    setText(this.name, baseName(run.script));
    this.name.title = run.script;
    this.showStatus(run.status === "running" && run.paused ? "paused" : run.status);
    this.fact("Adapter", run.adapter ? adapterName(run.adapter) : "–");
    this.note.hidden = run.adapter?.software !== true;
    if (!this.note.hidden && this.note.childElementCount === 0) {
      this.note.append(
        icon("info"),
        element("span", {
          text: "Software adapter: no GPU is used, this run computes on the processor.",
        }),
      );
    }
  }

  /** Shows where the run is. `now`: milliseconds since 1970. */
  showProgress(run: RunRecord, series: RunSeries, now: number): void {
    const row = series.length - 1;
    const time = series.step("time");
    time.look(0);
    const running = run.status === "running";
    const epoch = series.step("epoch").at(row);
    this.fact("Step", series.length > 0 ? formatCount(series.lastStep) : "–");
    const left =
      running && !run.paused ? secondsLeft(series.step("epoch"), time, RATE_WINDOW) : NaN;
    this.fact("Epoch", Number.isNaN(epoch) ? "–" : epoch.toFixed(2) + leftText(left));
    this.fact(
      "Loss",
      row >= 0 && !series.isLoggedOnly ? formatValue(series.step("loss").at(row)) : "–",
    );
    this.fact(
      "Steps/s",
      series.isLoggedOnly
        ? "–"
        : formatRate(stepsPerSecond(time, running ? RATE_WINDOW : Infinity)),
    );
    this.fact("Time", formatDuration(elapsed(run, time.at(row), now)));
  }

  private showStatus(status: ShownStatus): void {
    if (status === this.shown) return;
    this.shown = status;
    const { icon: name, label } = STATUS[status];
    this.status.className = `status status-${status}`;
    this.status.replaceChildren(icon(name), element("span", { text: label }));
    const running = status === "running" || status === "paused";
    this.stop.hidden = !running;
    this.stop.disabled = false;
    if (!this.train) return;
    this.train.title = running ? "Stop this run, and train again" : "";
  }

  private fact(name: string, text: string): void {
    const target = this.facts.get(name);
    if (!target) return;
    setText(target, text);
    if (name === "Adapter") target.title = text;
  }
}

/** `, ends in 12 s`: of the epoch, not of the run; nothing where that is not known. */
function leftText(seconds: number): string {
  return Number.isNaN(seconds) ? "" : `, ends in ${formatDuration(1000 * Math.ceil(seconds))}`;
}

/** Milliseconds that the run has taken; a live one's in whole seconds, so that they do not flicker. */
function elapsed(run: RunRecord, lastTime: number, now: number): number {
  const known = Number.isNaN(lastTime) ? 0 : lastTime;
  if (run.endedAt !== undefined) return run.endedAt - run.startedAt;
  if (run.status !== "running") return known;
  return Math.floor(Math.max(known, now - run.startedAt) / 1000) * 1000;
}

function adapterName({ vendor, architecture, description, software }: AdapterRecord): string {
  const name = description || [vendor, architecture].filter(Boolean).join(" ") || "unknown";
  return software ? `${name} (software)` : name;
}
