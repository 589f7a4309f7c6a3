/** `stepscope find-lr FILE`: tries learning rates before a run, and says which one to take. */
import { startRun } from "../client/start.ts";
import { jsonNumber } from "../exchange/jsonLines.ts";
import type { SidecarMessage } from "../protocol/messages.ts";
import type { LearningRateProbe, ProbeOptions } from "../protocol/probe.ts";
import type { RunRecord } from "../protocol/run.ts";
import { EXIT } from "./exit.ts";
import { brief, digits, errorText, runLine } from "./format.ts";
import { LossHistory } from "./lossHistory.ts";

export interface FindLrOptions extends ProbeOptions {
  readonly script: string;
  readonly args: readonly string[];
  readonly seed: number;
  readonly json: boolean;
  /** The sidecar's entry. */
  readonly sidecar: string;
}

/** An experiment ends with the command, even if that was killed. */
const GRACE_MS = 2000;

/** Tries the rates; resolves to the exit code. */
export async function findLr(options: FindLrOptions): Promise<number> {
  const { json, steps, plannedSteps, ...start } = options;
  let probe: LearningRateProbe | undefined;
  let run: RunRecord | undefined;
  const listener = (message: SidecarMessage): void => {
    if (message.type === "probe") {
      probe = message.probe;
      if (!json) showProgress(probe);
    } else if (message.type === "end") {
      run = message.run;
    }
  };
  const connection = await startRun(
    { ...start, probe: { steps, plannedSteps }, graceMs: GRACE_MS },
    listener,
  );
  const stop = () => connection.stop();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  await connection.closed;
  for (const signal of signals) process.off(signal, stop);
  clearProgress();

  if (run?.status === "stopped") return EXIT.stopped;
  if (run?.error) throw new Error(errorText(run));
  if (probe?.done !== probe?.steps || !probe) throw new Error(endedEarly(probe, steps));
  if (json) console.log(JSON.stringify(jsonOf(probe)));
  else for (const line of [...(run ? [runLine(run)] : []), ...report(probe)]) console.log(line);
  return probe.suggestion === undefined ? EXIT.failed : EXIT.completed;
}

function showProgress({ done, steps, range }: LearningRateProbe): void {
  const { stdout } = process;
  const last = range.curve.at(-1);
  if (!stdout.isTTY || !last) return;
  stdout.write(
    `\r\x1b[Kstep ${done} of ${steps} · η ${last.lr.toExponential(1)} · loss ${digits(last.loss)}`,
  );
}

function clearProgress(): void {
  if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
}

function endedEarly(probe: LearningRateProbe | undefined, steps: number): string {
  if (!probe) return "The script ended without a step of an optimizer that it awaits.";
  return (
    `The script ended after ${probe.done} steps; ${probe.steps} are needed. Have it take more, or ` +
    `try fewer rates with --steps (${steps}).`
  );
}

/** What was found, in words. */
function report(probe: LearningRateProbe): string[] {
  const { range, travel, suggestion, lr, confidence } = probe;
  const { curve } = range;
  const history = new LossHistory();
  for (const { loss } of curve) history.add(loss);
  const [from, to] = [curve[0]?.lr ?? Number.NaN, curve.at(-1)?.lr ?? Number.NaN];
  const picture = `loss at η from ${brief(from)} to ${to.toPrecision(2)}  ${history.sparkline()}`;
  if (suggestion === undefined || !travel) {
    return [
      picture,
      "No learning rate made the loss fall. Is something else wrong, or were there too few steps?",
    ];
  }
  return [
    picture,
    "",
    `Try a learning rate of ${suggestion} (the script has ${brief(lr)}).`,
    `  A tenth of the rate at which the loss was smallest. ${travelText(probe)}`,
    `  Confidence: ${confidence}${confidence === "low" ? "" : ", both experiments agree"}.`,
  ];
}

function travelText({ travel }: LearningRateProbe): string {
  if (!travel) return "";
  const percent = (share: number) => `${(100 * share).toPrecision(2)} %`;
  if (Number.isNaN(travel.travel))
    return `At that rate the loss explodes within ${travel.steps} steps.`;
  const moved = `In ${travel.steps} steps it moves the weights by ${percent(travel.travel)} of their norm`;
  if (travel.expected === undefined || travel.suggestion === undefined) {
    const horizon = Number(travel.horizon.toPrecision(2)).toLocaleString("en");
    return `${moved}, which is right for a run of about ${horizon} steps: say how long yours is with --planned.`;
  }
  return (
    `${moved}; runs as long that end well have moved ${percent(travel.expected)} by then, which ` +
    `speaks for ${Number(travel.suggestion.toPrecision(2))}.`
  );
}

function jsonOf(probe: LearningRateProbe): object {
  const { suggestion = null, confidence, lr, range, travel } = probe;
  const curve = range.curve.map(point => ({
    lr: point.lr,
    loss: jsonNumber(point.loss),
    smoothed: jsonNumber(point.smoothed),
  }));
  return {
    type: "learningRate",
    suggestion,
    confidence,
    lr: jsonNumber(lr),
    range: { suggestion: range.suggestion ?? null, curve },
    travel: travel
      ? {
          lr: travel.lr,
          steps: travel.steps,
          travel: jsonNumber(travel.travel),
          expected: travel.expected ?? null,
          suggestion: travel.suggestion ?? null,
          horizon: jsonNumber(travel.horizon),
        }
      : null,
  };
}
