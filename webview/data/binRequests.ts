import type { BinsRequest, TensorBins } from "../../runtime/protocol/bins.ts";
import type { TensorColumn } from "../../runtime/protocol/steps.ts";

/** Milliseconds after which what was asked for in vain is asked for again. */
const PATIENCE_MS = 5000;

/** What charts ask of a run's tensors, as few messages to the host: those of one drawing go together. */
export class BinRequests {
  private readonly post: (requests: readonly BinsRequest[]) => void;
  /** Tensors by what is asked of them, that go with the next message. */
  private waiting = new Map<string, { request: BinsRequest; tensors: number[] }>();
  /** When what has not come yet was asked for, by tensor. */
  private readonly asked = new Map<string, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(post: (requests: readonly BinsRequest[]) => void) {
    this.post = post;
  }

  /** Something was asked for and has not come yet. */
  get areOpen(): boolean {
    return this.asked.size > 0;
  }

  ask(
    column: TensorColumn,
    tensor: number,
    { width, from, to }: Pick<BinsRequest, "width" | "from" | "to">,
  ): void {
    const key = keyOf({ column, width, from, to });
    const now = performance.now();
    const name = `${tensor} ${key}`;
    if (now - (this.asked.get(name) ?? Number.NEGATIVE_INFINITY) < PATIENCE_MS) return;
    this.asked.set(name, now);
    const known = this.waiting.get(key) ?? {
      request: { column, tensors: [], width, from, to },
      tensors: [],
    };
    known.tensors.push(tensor);
    this.waiting.set(key, known);
    this.timer ??= setTimeout(() => this.flush(), 0);
  }

  /** An answer has come. */
  answered({ request }: TensorBins): void {
    const key = keyOf(request);
    for (const tensor of request.tensors) this.asked.delete(`${tensor} ${key}`);
  }

  private flush(): void {
    this.timer = undefined;
    const requests = [...this.waiting.values()].map(({ request, tensors }) => {
      return { ...request, tensors };
    });
    this.waiting = new Map();
    this.post(requests);
  }
}

function keyOf({ column, width, from, to }: Omit<BinsRequest, "tensors">): string {
  return `${column} ${width} ${from} ${to}`;
}
