/** `stepscope find-lr FILE`: tries learning rates before a run, and says which one to take. */
import { tryLearningRates } from "../client/learningRate.ts";
import { jsonNumber } from "../exchange/jsonLines.ts";
import { shareOf } from "../protocol/numberText.ts";
import type { LearningRateProbe, ProbeOptions } from "../protocol/probe.ts";
import { EXIT } from "./exit.ts";
import { brief, digits, runLine } from "./format.ts";
import { LossHistory } from "./lossHistory.ts";

export interface FindLrOptions extends ProbeOptions {
  readonly script: string;
  readonly args: readonly string[];
  readonly seed: number;
  readonly json: boolean;
  /** The sidecar's entry. */
  readonly sidecar: string;
}

/** Tries the rates; resolves to the exit code. */
export async function findLr(options: FindLrOptions): Promise<number> {
  const { json, steps, plannedSteps, ...start } = options;
  const abort = new AbortController();
  const stop = () => abort.abort();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  const trial = await tryLearningRates(
    { ...start, probe: { steps, plannedSteps } },
    probe => json || showProgress(probe),
    abort.signal,
  ).finally(clearProgress);
  for (const signal of signals) process.off(signal, stop);

  if (!trial) return EXIT.stopped;
  if (json) console.log(JSON.stringify(jsonOf(trial.probe)));
  else for (const line of [runLine(trial.run), ...report(trial.probe)]) console.log(line);
  return trial.probe.suggestion === undefined ? EXIT.failed : EXIT.completed;
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
  const moved = `In ${travel.steps} steps it moves the weights by ${shareOf(travel.travel, "their norm")}`;
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
