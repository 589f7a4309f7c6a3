import { deliverMetrics, type PendingMetric } from "../insight/metrics.ts";
import { observer } from "../insight/observer.ts";
import { stepCount } from "../insight/recorder.ts";
import { formatShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Metrics by name: numbers, or tensors of one element. */
export type Metrics = Readonly<Record<string, number | Tensor>>;

/**
 * Records metrics of your own at the current step, beside what is measured anyway:
 *
 *     log({ "val/loss": loss, "val/accuracy": metrics.accuracy(logits, targets) });
 *
 * Tensors of one element are read back without holding up the loop. Names that begin alike up to a
 * slash belong together. Where nobody records the run, as under plain `node`, nothing happens.
 * @throws TypeError if a value is neither a number nor a tensor of one element.
 */
export function log(metrics: Metrics): void {
  const entries = Object.entries(metrics);
  for (const [name, value] of entries) checkMetric(name, value);
  if (!observer()) return;
  deliverMetrics(
    entries.map(([name, value]): PendingMetric => {
      return { name, value: value instanceof Tensor ? value.item() : value };
    }),
    stepCount(),
  );
}

function checkMetric(name: string, value: unknown): void {
  if (name === "") throw new TypeError("log: a metric needs a name");
  if (typeof value === "number") return;
  if (value instanceof Tensor) {
    if (value.numel === 1) return;
    throw new TypeError(
      `log: ${name} is a tensor of shape ${formatShape(value.shape)}; a metric is one number. ` +
        "Use mean() or sum() first",
    );
  }
  throw new TypeError(
    `log: ${name} should be a number or a tensor of one element, got ${value === null ? "null" : typeof value}`,
  );
}
