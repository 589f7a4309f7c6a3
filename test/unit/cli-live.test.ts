import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { endLine, errorText } from "../../runtime/cli/format.ts";
import { keysHelp } from "../../runtime/cli/keys.ts";
import { LiveReport } from "../../runtime/cli/live.ts";
import { LossHistory } from "../../runtime/cli/lossHistory.ts";
import { PlainReport } from "../../runtime/cli/plain.ts";
import { STEP_COLUMNS, type StepBatch } from "../../runtime/protocol/steps.ts";
import { exampleBatch, exampleFinding, exampleRun } from "./run-example.ts";

const CURSOR_UP = "\x1b[";
const ERASE_BELOW = "A\r\x1b[J";

/** What a terminal shows, as far as the live lines use it. */
class Screen {
  readonly columns = 60;
  lines: string[] = [""];
  writes = 0;

  write(text: string): void {
    this.writes++;
    const erase = text.startsWith(CURSOR_UP) ? text.slice(CURSOR_UP.length).split(ERASE_BELOW) : [];
    if (erase.length > 1) this.lines.splice(-1 - Number(erase[0]), Number(erase[0]));
    const [first = "", ...rest] = stripVTControlCharacters(text).replace("\r", "").split("\n");
    this.lines[this.lines.length - 1] += first;
    this.lines.push(...rest);
  }
}

describe("live lines", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  test("are drawn again in place, below what the script prints", () => {
    const screen = new Screen();
    const report = new LiveReport(screen);
    report.run(exampleRun({ seed: 7 }));
    vi.advanceTimersByTime(100);
    expect(screen.lines).toEqual(["digits.ts, seed 7", ""]);
    for (let step = 1; step <= 40; step++) {
      report.steps(exampleBatch(step, 1));
      if (step === 20) report.log({ level: "info", text: "half\nway", time: 0, step });
      vi.advanceTimersByTime(10);
    }
    vi.advanceTimersByTime(100);
    expect(screen.lines.slice(0, 3)).toEqual(["half", "way", "digits.ts, seed 7"]);
    expect(screen.lines[3]).toMatch(/^step 40 {2}loss 0\.02500 {2}‖g‖ /);
    expect(screen.lines.at(-2)).toMatch(/^█[▁▂▃▄▅▆▇]{37,}▁$/);
    expect(screen.lines.every(line => line.length < screen.columns)).toBe(true);
    // Forty steps in 400 ms, and ten drawings a second.
    expect(screen.writes).toBeLessThanOrEqual(6);
    report.end(exampleRun({ status: "completed", steps: 40, finalLoss: 0.025 }));
    expect(screen.lines.at(-2)).toMatch(/^completed after 40 steps in .* s, loss 0\.02500$/);
    expect(screen.lines.filter(line => line.startsWith("step "))).toHaveLength(1);
  });
});

test("a script that does not compile is said not to, in place of steps and time", () => {
  const location = { file: "/project/digits.ts", line: 3, column: 7 };
  const failed = exampleRun({ status: "failed", error: { message: "no", location } });
  expect(endLine(failed)).toBe("digits.ts does not compile");
  expect(endLine({ ...failed, error: { message: "no" } })).toBe("digits.ts did not start");
  const adapter = { vendor: "", architecture: "", description: "", software: true };
  expect(endLine({ ...failed, adapter })).toMatch(/^failed after 0 steps in /);
});

test("behind a run whose learning rate is wrong stands what measures a better one", () => {
  const script = join(process.cwd(), "here", "digits.ts");
  const next = `\nTo measure a better learning rate: stepscope find-lr ${join("here", "digits.ts")}`;
  const run = exampleRun({ status: "completed", steps: 40, script });
  expect(endLine({ ...run, findings: [exampleFinding()] }).endsWith(next)).toBe(true);
  expect(endLine({ ...run, findings: [exampleFinding({ state: "cleared" })] })).not.toContain(next);
  expect(endLine({ ...run, findings: [] })).not.toContain(next);
});

test("all keys are named, however narrow the terminal is", () => {
  vi.useFakeTimers();
  const screen = new Screen();
  const report = new LiveReport(screen, true);
  report.run(exampleRun());
  report.steps(exampleBatch(1, 1));
  vi.advanceTimersByTime(100);
  vi.useRealTimers();
  const help = screen.lines.slice(
    screen.lines.findIndex(line => line.startsWith("space")),
    -1,
  );
  expect(help.length).toBe(2);
  expect(help.every(line => line.length < screen.columns)).toBe(true);
  expect(help.join(" · ")).toMatch(/^space pause .* · l loss here · b back · u undo · q stop$/);
  expect(keysHelp(200)).toHaveLength(1);
});

test("how long the rest of the epoch takes is told while the run is under way", () => {
  vi.useFakeTimers();
  const screen = new Screen();
  const lines: string[] = [];
  const reports = [
    new LiveReport(screen),
    new PlainReport(line => lines.push(line), console.error),
  ];
  const step = (i: number): StepBatch => {
    const batch = exampleBatch(i, 1);
    batch.steps[STEP_COLUMNS.indexOf("epoch")] = 1 + i / 400;
    batch.steps[STEP_COLUMNS.indexOf("time")] = i * 50;
    return batch;
  };
  for (const report of reports) {
    report.run(exampleRun());
    for (let i = 1; i <= 100; i++) report.steps(step(i));
    vi.advanceTimersByTime(1000);
    report.steps(step(101));
    vi.advanceTimersByTime(100);
  }
  expect(screen.lines.join("\n")).toMatch(/^epoch 2 {2}█+░+ 25 %, 15 s left$/m);
  expect(lines.at(-1)).toMatch(/^step 101 · epoch 1\.25, 15 s left · loss /);
  reports[0]?.end(exampleRun({ status: "completed" }));
  vi.useRealTimers();
  expect(screen.lines.join("\n")).not.toContain("left");
});

test("the newest value of each metric stands below the step", () => {
  vi.useFakeTimers();
  const screen = new Screen();
  const report = new LiveReport(screen);
  report.run(exampleRun());
  report.steps(exampleBatch(1, 1));
  for (const [i, name] of ["val/loss", "accuracy", "val/loss"].entries()) {
    report.metric({ name, value: 1 / (i + 1), step: 1, time: 0 });
  }
  vi.advanceTimersByTime(100);
  vi.useRealTimers();
  expect(screen.lines).toContain("val/loss 0.3333 · accuracy 0.5000");
});

test("the loss along the last step is printed above, or why there is none", () => {
  vi.useFakeTimers();
  const said: string[] = [];
  const report = new LiveReport({ columns: 200, write: text => said.push(text) });
  const picture = { view: "line", step: 4, done: 5, total: 5, path: [] } as const;
  const xs = Float64Array.of(-1, 0, 0.5, 1, 2);
  const line = { xs, losses: xs.map(x => (1 - x) ** 2), from: 0, fromLoss: 1, to: 1, toLoss: 0 };
  report.picture({ ...picture, line: { ...line, slope: -2, lr: 0.5 } });
  report.picture({ ...picture, problem: "Take a step." });
  vi.advanceTimersByTime(100);
  vi.useRealTimers();
  expect(stripVTControlCharacters(said.join(""))).toBe(
    "█▃▁▁▃\nStep 4 began at loss 1.000. Its tangent predicts -1.000 at η 0.5000; 0 is reached. " +
      "Instead of η: −η 4.000, ½η 0.2500, 2η 1.000.\nTake a step.\n",
  );
});

describe("the history of losses", () => {
  test("holds a run of any length in one line", () => {
    const history = new LossHistory();
    for (let step = 0; step < 100_000; step++) history.add(Math.exp(-step / 10_000));
    const line = history.sparkline();
    expect(line.length).toBeGreaterThanOrEqual(30);
    expect(line.length).toBeLessThanOrEqual(60);
    expect([...line]).toEqual([...line].sort().reverse());
    expect(new Set(line)).toEqual(new Set("▁▂▃▄▅▆▇█"));
  });

  test("marks losses that are no numbers", () => {
    const history = new LossHistory();
    for (const loss of [1, 0.1, Number.NaN, Number.POSITIVE_INFINITY]) history.add(loss);
    expect(history.sparkline()).toBe("█▁××");
  });

  test("is flat where nothing changes", () => {
    const history = new LossHistory();
    for (let step = 0; step < 3; step++) history.add(2);
    expect(history.sparkline()).toBe("▁▁▁");
  });
});

test("one step is no steps", () => {
  const ended = exampleRun({ status: "completed", steps: 1, finalLoss: 16 });
  expect(endLine(ended)).toMatch(/^completed after 1 step in /);
});

test("each error of a script that does not compile is told once", () => {
  const message = "a is declared twice\nb is declared twice";
  const stack = "✘ [ERROR] a is declared twice\n\n✘ [ERROR] b is declared twice";
  const location = { file: "/project/digits.ts", line: 3, column: 7 };
  const failed = exampleRun({ status: "failed", error: { message, stack, location } });
  expect(errorText(failed)).toBe(`/project/digits.ts:3:7\n${stack}`);
});
