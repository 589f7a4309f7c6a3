/** The script's own metrics, on their way to the observer: in order, however late a value is. */
import type { MetricRecord } from "../protocol/metric.ts";
import { observer } from "./observer.ts";

/** A metric whose value may still be on the GPU. */
export interface PendingMetric {
  readonly name: string;
  readonly value: number | Promise<number>;
}

let delivered: Promise<void> = Promise.resolve();
let failure: { readonly reason: unknown } | undefined;

/** Hands metrics of one step to the observer once their values, and all before them, are known. */
export function deliverMetrics(metrics: readonly PendingMetric[], step: number): void {
  const time = Date.now();
  const previous = delivered;
  delivered = deliver();

  async function deliver() {
    try {
      const values = await Promise.all(metrics.map(({ value }) => value));
      await previous;
      observer()?.metrics(
        metrics.map(({ name }, i): MetricRecord => {
          return { name, value: values[i] ?? Number.NaN, step, time };
        }),
      );
    } catch (reason) {
      failure ??= { reason };
    }
  }
}

/**
 * Resolves when every metric has been handed over.
 * @throws what went wrong on the device, or in the observer.
 */
export async function metricsDelivered(): Promise<void> {
  await delivered;
  if (failure) throw failure.reason;
}
