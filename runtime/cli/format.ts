/** Numbers and lines as the terminal shows them. */
import { basename, relative } from "node:path";
import { type Finding, isOpen } from "../protocol/finding.ts";
import { type RunRecord, whyNotBegun } from "../protocol/run.ts";
import { type StepBatch, stepValue } from "../protocol/steps.ts";

/** What a line about a step says. */
export interface StepSummary {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly gradNorm: number;
  /** η of the first parameter group. */
  readonly lr: number;
  /** Milliseconds since the start of the run. */
  readonly time: number;
}

export function lastStep(batch: StepBatch): StepSummary {
  const row = batch.count - 1;
  return {
    step: batch.firstStep + row,
    epoch: stepValue(batch, row, "epoch"),
    loss: stepValue(batch, row, "loss"),
    gradNorm: stepValue(batch, row, "gradNorm"),
    lr: batch.lr[row * batch.groups] ?? Number.NaN,
    time: stepValue(batch, row, "time"),
  };
}

/** Four digits that count: 0.2314, 12.31, 2.000e-4. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || value === 0) return String(value);
  return size >= 1e-3 && size < 1e5 ? value.toPrecision(4) : value.toExponential(3);
}

/** As short as it can be said: 0.001, 2e-4. */
export function brief(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-3
    ? value.toExponential(3).replace(/\.?0+e/, "e")
    : String(Number(value.toPrecision(4)));
}

/** `1 step`, `1,350 steps` */
export function stepsText(count: number): string {
  return `${count.toLocaleString("en")} ${count === 1 ? "step" : "steps"}`;
}

/** `40 s`, `12 min`, `3.5 h` */
export function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** `step 1,234 · epoch 2.41, 12 s left · loss 0.2314 · ‖g‖ 1.203 · η 0.002 · 512 steps/s` */
export function stepLine(
  summary: StepSummary,
  { perSecond, secondsLeft }: { readonly perSecond: number; readonly secondsLeft: number },
): string {
  const { step, epoch, loss, gradNorm, lr } = summary;
  return [
    `step ${step.toLocaleString("en")}`,
    ...(Number.isNaN(epoch) ? [] : [`epoch ${epoch.toFixed(2)}${leftText(secondsLeft)}`]),
    `loss ${digits(loss)}`,
    `‖g‖ ${digits(gradNorm)}`,
    `η ${brief(lr)}`,
    ...(perSecond > 0 ? [`${brief(Number(perSecond.toPrecision(3)))} steps/s`] : []),
  ].join(" · ");
}

/** `, 12 s left`; nothing where that is not known. */
export function leftText(seconds: number): string {
  return Number.isNaN(seconds) ? "" : `, ${durationText(seconds)} left`;
}

/** `valLoss 0.2314 · accuracy 0.9710` */
export function metricsLine(metrics: ReadonlyMap<string, number>): string {
  return [...metrics].map(([name, value]) => `${name} ${digits(value)}`).join(" · ");
}

/** `digits.ts on Google SwiftShader (software adapter), seed 0` */
export function runLine({ script, adapter, seed }: RunRecord): string {
  const name = adapter ? adapter.description || `${adapter.vendor} ${adapter.architecture}` : "";
  const where = adapter ? ` on ${name}${adapter.software ? " (software adapter)" : ""}` : "";
  return `${basename(script)}${where}, seed ${seed}`;
}

/** `warning: Learning rate ≈ 5× too high (lr.tooLarge, step 40). Try …`; with `train.ts:12` behind the step where it has a line. */
export function findingLine({ state, severity, title, code, step, message, location }: Finding) {
  const place = location ? `, ${basename(location.file)}:${location.line}` : "";
  const where = `(${code}, step ${step}${place})`;
  if (state === "cleared") return `no longer: ${title} ${where}`;
  return `${severity}: ${title} ${where}. ${message}`;
}

/** `completed after 1,350 steps in 12.3 s, loss 0.01234`, and what to do about a learning rate that is wrong, or `digits.ts does not compile` */
export function endLine(run: RunRecord): string {
  const notBegun = whyNotBegun(run);
  if (notBegun) return `${basename(run.script)} ${notBegun}`;
  const { status, steps, finalLoss, startedAt, endedAt, unjudged, findings } = run;
  const seconds = ((endedAt ?? Date.now()) - startedAt) / 1000;
  const loss = steps > 0 ? `, loss ${digits(finalLoss)}` : "";
  const why = unjudged ? `\nNothing is said of the learning rate. ${unjudged}` : "";
  const isOfRate = findings.some(each => isOpen(each) && each.suggestion?.target === "lr");
  const next = isOfRate
    ? `\nTo measure a better learning rate: stepscope find-lr ${relative("", run.script)}`
    : "";
  return `${status} after ${stepsText(steps)} in ${seconds.toFixed(1)} s${loss}${why}${next}`;
}

/** Why a run failed, with the place in the source that a terminal makes a link of. */
export function errorText({ error }: RunRecord): string {
  if (!error) return "";
  const { message, stack, location } = error;
  const place = location ? `${location.file}:${location.line}:${location.column}\n` : "";
  const isInStack = message.split("\n").every(line => stack?.includes(line));
  return place + (isInStack ? stack : [message, stack].filter(Boolean).join("\n"));
}
