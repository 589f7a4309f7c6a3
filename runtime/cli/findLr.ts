/** `stepscope find-lr FILE`: tries learning rates before a run, and says which one to take. */
import { tryLearningRates } from "../client/learningRate.ts";
import { jsonNumber } from "../exchange/jsonLines.ts";
import { shareOf } from "../protocol/numberText.ts";
import type { LearningRateProbe, ProbeOptions, TravelProbe } from "../protocol/probe.ts";
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

  if (!trial) {
    console.error("Stopped before a learning rate was found.");
    return EXIT.stopped;
  }
  if (json) console.log(JSON.stringify(jsonOf(trial.probe)));
  else for (const line of [runLine(trial.run), ...report(trial.probe)]) console.log(line);
  return trial.probe.suggestion === undefined ? EXIT.failed : EXIT.completed;
}

function showProgress({ done, steps, last }: LearningRateProbe): void {
  const { stdout } = process;
  if (!stdout.isTTY) return;
  stdout.write(
    `\r\x1b[Kstep ${done} of at most ${steps} · η ${last.lr.toExponential(1)} · loss ${digits(last.loss)}`,
  );
}

function clearProgress(): void {
  if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
}

/** What was found, in words. */
function report(probe: LearningRateProbe): string[] {
  const { suggestion, lr } = probe;
  const result =
    suggestion === undefined
      ? "No learning rate made the loss fall. Is something else wrong, or were there too few steps?"
      : `Try a learning rate of ${suggestion} (the script has ${brief(lr)}). ${confidenceText(probe)}`;
  return [...rangeLines(probe), ...trialLines(probe), result];
}

function rangeLines({ range: { curve, suggestion }, travel }: LearningRateProbe): string[] {
  const history = new LossHistory();
  for (const { loss } of curve) history.add(loss);
  const [from, to] = [curve[0]?.lr ?? Number.NaN, curve.at(-1)?.lr ?? Number.NaN];
  const picture = `loss at η from ${brief(from)} to ${to.toPrecision(2)}  ${history.sparkline()}`;
  if (suggestion === undefined) return [picture];
  const tenth = `A tenth of the rate at which the loss was smallest: ${brief(Number(suggestion.toPrecision(2)))}.`;
  return [picture, travel ? `${tenth} ${travelText(travel)}` : tenth];
}

/** The rates that were tried for a few steps each, in columns. */
function trialLines({ trials }: LearningRateProbe): string[] {
  if (trials.length === 0) return [];
  const rates = trials.map(({ lr }) => (lr === 0 ? "0" : brief(Number(lr.toPrecision(2)))));
  const width = Math.max(...rates.map(rate => rate.length));
  const losses = trials.map(({ loss, steps }, i) => {
    const end = Number.isNaN(loss) ? `explodes after ${steps} steps` : `loss ${digits(loss)}`;
    return `  η ${rates[i]?.padEnd(width)}  ${end}`;
  });
  const most = Math.max(...trials.map(({ steps }) => steps));
  return ["", `${most} steps from the start at each, on the same batches:`, ...losses, ""];
}

function confidenceText({ confidence, trials, done, steps }: LearningRateProbe): string {
  if (confidence === "high") return "Confidence: high, a lower and a higher one are worse.";
  if (done < steps) return "Confidence: low, the script ended before those around it were tried.";
  return `Confidence: low, none ${trials.length > 2 ? "beyond" : "around"} it was tried.`;
}

function travelText(travel: TravelProbe): string {
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
  const { suggestion = null, confidence, lr, range, travel, trials } = probe;
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
    trials: trials.map(trial => ({ ...trial, loss: jsonNumber(trial.loss) })),
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
