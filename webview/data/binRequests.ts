import type { BinsRequest, TensorBins } from "../../runtime/protocol/bins.ts";
import type { CurveBins, CurveName, CurveRequest } from "../../runtime/protocol/curves.ts";
import type { TensorColumn } from "../../runtime/protocol/steps.ts";

/** Milliseconds after which what was asked for in vain is asked for again. */
const PATIENCE_MS = 5000;

/** What is asked of a run's store at once. */
export interface Asked {
  readonly requests: readonly BinsRequest[];
  readonly curves: readonly CurveRequest[];
}

/** What charts ask of a run, as few messages to the host: those of one drawing go together. */
export class BinRequests {
  private readonly post: (asked: Asked) => void;
  /** Tensors by what is asked of them, that go with the next message. */
  private tensors = new Map<string, { request: BinsRequest; tensors: number[] }>();
  private curves: CurveRequest[] = [];
  /** When what has not come yet was asked for. */
  private readonly asked = new Map<string, number>();
  private isFlushing = false;

  constructor(post: (asked: Asked) => void) {
    this.post = post;
  }

  askTensor(
    column: TensorColumn,
    tensor: number,
    { width, from, to, only }: Pick<BinsRequest, "width" | "from" | "to" | "only">,
  ): void {
    const request = { column, tensors: [], width, from, to, ...(only && { only }) };
    const key = tensorsKey(request);
    if (!this.isNew(`${tensor} ${key}`)) return;
    const known = this.tensors.get(key) ?? { request, tensors: [] };
    known.tensors.push(tensor);
    this.tensors.set(key, known);
  }

  askCurve(name: CurveName, range: Omit<CurveRequest, "name">): void {
    const request = { name, ...range };
    if (this.isNew(curveKey(request))) this.curves.push(request);
  }

  /** An answer has come. */
  answeredTensors({ request }: TensorBins): void {
    const key = tensorsKey(request);
    for (const tensor of request.tensors) this.asked.delete(`${tensor} ${key}`);
  }

  answeredCurve({ request }: CurveBins): void {
    this.asked.delete(curveKey(request));
  }

  /** Notes that something is asked for, unless it was a while ago. */
  private isNew(key: string): boolean {
    const now = performance.now();
    if (now - (this.asked.get(key) ?? Number.NEGATIVE_INFINITY) < PATIENCE_MS) return false;
    this.asked.set(key, now);
    // What is asked for in one go is sent before anything is drawn.
    if (!this.isFlushing) queueMicrotask(() => this.flush());
    this.isFlushing = true;
    return true;
  }

  private flush(): void {
    const { tensors, curves } = this;
    this.isFlushing = false;
    this.tensors = new Map();
    this.curves = [];
    const requests = [...tensors.values()].map(({ request, tensors: which }) => {
      return { ...request, tensors: which };
    });
    this.post({ requests, curves });
  }
}

function tensorsKey({ column, width, from, to, only }: Omit<BinsRequest, "tensors">): string {
  return `${column} ${width} ${from} ${to} ${only}`;
}

function curveKey({ name, width, from, to, smoothing }: CurveRequest): string {
  return `${name} ${width} ${from} ${to} ${smoothing?.weight} ${smoothing?.scale}`;
}
