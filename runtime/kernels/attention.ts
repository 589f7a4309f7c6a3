/**
 * Scaled dot-product attention without the matrix of scores in memory (Milakov and Gimelshein 2018;
 * Dao et al. 2022, arXiv 2205.14135). A thread works on a few queries, or for the gradients of keys and
 * values on a few keys, and goes over the others: no workgroup memory, no barrier, no atomic add.
 *
 * With s = scale · q·k + mask, p = exp(s − logsumexp s), o = Σ p v, and g the gradient of o:
 * dv = Σ p g, ds = p (g·v − g·o), dq = scale Σ ds k, dk = scale Σ ds q.
 */
import { numel } from "../tensor/shape.ts";
import type { KernelBuilder, KernelCode } from "./builder.ts";
import { linearGrid, WORKGROUP_SIZE } from "./builder.ts";
import { Coords } from "./coords.ts";

/** The factors of a kernel, as indices of entries; a mask is there where the operation has one. */
interface Factors {
  readonly query: number;
  readonly key: number;
  readonly value: number;
  readonly scale: number;
  readonly mask: number | undefined;
}

/** The kernel of attention `core`; its result is stored as it is. */
export function attentionKernel(builder: KernelBuilder, core: number): KernelCode {
  const { op, inputs } = builder.entry(core);
  if (op.kind !== "attention") throw new Error(`Invariant violation: ${op.kind} is no attention`);
  const [query = -1, key = -1, value = -1, scale = -1, ...others] = inputs;
  const mask = op.masked ? others.shift() : undefined;
  const [output = -1, gradient = -1, queryGrad = -1] = others;
  const writer = new AttentionWriter(builder, core, { query, key, value, scale, mask }, op.causal);
  switch (op.part) {
    case "output":
      return writer.output();
    case "queryGrad":
      return writer.queryGrad(output, gradient);
    case "keyGrad":
      return writer.keyGrad(output, gradient, queryGrad);
  }
}

/** Numbers of the rows that a thread holds of a factor, at most: more compile longer than they save. */
const REGISTERS = 64;

/** Writes one of the kernels: a thread holds `tile` rows `i`, and goes over the rows `j`. */
class AttentionWriter {
  readonly #builder: KernelBuilder;
  readonly #core: number;
  readonly #factors: Factors;
  readonly #causal: boolean;
  /** Sizes of a query, and of a value. */
  readonly #width: number;
  readonly #depth: number;
  readonly #queries: number;
  readonly #keys: number;
  #tile = 1;

  constructor(builder: KernelBuilder, core: number, factors: Factors, causal: boolean) {
    this.#builder = builder;
    this.#core = core;
    this.#factors = factors;
    this.#causal = causal;
    [this.#queries = 1, this.#width = 1] = builder.entry(factors.query).op.shape.slice(-2);
    [this.#keys = 1, this.#depth = 1] = builder.entry(factors.value).op.shape.slice(-2);
    builder.use("expNan");
  }

  /** [..., queries, depth + 1]: the output, and log Σ exp s behind it. */
  output(): KernelCode {
    const { query, key, value } = this.#factors;
    const depth = this.#depth;
    this.#builder.use("logAccurate");
    return this.#kernel("attention", this.#queries, () => {
      this.#loadTile("q", query, this.#width);
      this.#declare("acc", depth);
      this.#rows(r => this.#line(`var top${r} = ${LOWEST};\nvar mass${r} = 0.0;`));
      this.#overKeys(() => {
        this.#loadRow("k", key, this.#width);
        this.#loadRow("val", value, depth);
        this.#rows(r => {
          this.#score(r, `q${r}_`, "k", `i${r}`, "j");
          // The largest score so far is taken out of the sums, so that none overflows.
          this.#line(
            `let rises${r} = s${r} > top${r};`,
            `let shrink${r} = select(1.0, expNan(top${r} - s${r}), rises${r});`,
            `top${r} = select(top${r}, s${r}, rises${r});`,
            `let p${r} = expNan(s${r} - top${r});`,
            `mass${r} = mass${r} * shrink${r} + p${r};`,
          );
          this.#each(depth, c => {
            this.#line(`acc${r}_${c} = acc${r}_${c} * shrink${r} + p${r} * val${c};`);
          });
        });
      });
      this.#rows(r => {
        this.#store(r, 0, depth, c => `acc${r}_${c} / mass${r}`);
        this.#storeOne(r, depth, `top${r} + logAccurate(mass${r})`);
      });
    });
  }

  /** [..., queries, width + 1]: the gradient of the query, and g·o behind it. */
  queryGrad(output: number, gradient: number): KernelCode {
    const { key, query, value } = this.#factors;
    const [width, depth] = [this.#width, this.#depth];
    return this.#kernel("attention: query", this.#queries, () => {
      this.#loadTile("q", query, width);
      this.#loadTile("g", gradient, depth);
      this.#declare("acc", width);
      this.#rows(r => {
        const products = range(depth).map(c => {
          return `${component(`g${r}_`, c)} * ${this.#at(output, `i${r}`, c)}`;
        });
        this.#line(`let go${r} = ${products.join(" + ")};`);
        this.#line(`let norm${r} = ${this.#at(output, `i${r}`, depth)};`);
      });
      this.#overKeys(() => {
        this.#loadRow("k", key, width);
        this.#loadRow("val", value, depth);
        this.#rows(r => {
          this.#score(r, `q${r}_`, "k", `i${r}`, "j");
          this.#line(
            `let p${r} = expNan(s${r} - norm${r});`,
            `let ds${r} = p${r} * (${dot(`g${r}_`, "val", depth)} - go${r});`,
          );
          this.#each(width, c => this.#line(`acc${r}_${c} += ds${r} * k${c};`));
        });
      });
      this.#rows(r => {
        this.#store(r, 0, width, c => `acc${r}_${c} * scale`);
        this.#storeOne(r, width, `go${r}`);
      });
    });
  }

  /** [..., keys, width + depth]: the gradient of the key and, behind it, that of the value. */
  keyGrad(output: number, gradient: number, queryGrad: number): KernelCode {
    const { key, query, value } = this.#factors;
    const [width, depth] = [this.#width, this.#depth];
    return this.#kernel("attention: key and value", this.#keys, () => {
      this.#loadTile("k", key, width);
      this.#loadTile("v", value, depth);
      this.#declare("dk", width);
      this.#declare("dv", depth);
      this.#loop(this.#causal ? "i0" : "0u", `${this.#queries}u`, () => {
        this.#loadRow("q", query, width);
        this.#loadRow("g", gradient, depth);
        this.#line(`let norm = ${this.#at(output, "j", depth)};`);
        this.#line(`let go = ${this.#at(queryGrad, "j", width)};`);
        this.#rows(r => {
          this.#score(r, `k${r}_`, "q", "j", `i${r}`);
          this.#line(
            `let p${r} = expNan(s${r} - norm);`,
            `let ds${r} = p${r} * (${dot(`v${r}_`, "g", depth)} - go);`,
          );
          this.#each(width, c => this.#line(`dk${r}_${c} += ds${r} * q${c};`));
          this.#each(depth, c => this.#line(`dv${r}_${c} += p${r} * g${c};`));
        });
      });
      this.#rows(r => {
        this.#store(r, 0, width, c => `dk${r}_${c} * scale`);
        this.#store(r, width, depth, c => `dv${r}_${c}`);
      });
    });
  }

  /** A thread for each tile of the `rows` of each batch. */
  #kernel(label: string, rows: number, body: () => void): KernelCode {
    const largest = Math.max(this.#width, this.#depth);
    this.#tile = Math.max(1, Math.min(4, rows, Math.floor(REGISTERS / largest)));
    const tiles = Math.ceil(rows / this.#tile);
    const batches = numel(this.#builder.entry(this.#core).op.shape.slice(0, -2));
    const { workgroups, index } = linearGrid(batches * tiles);
    const main = this.#builder.scope(() => {
      const { scale } = this.#factors;
      const number = this.#builder.value(scale, Coords.fromLinear(this.#builder.bind, [], "0u"));
      this.#line(`let scale = ${number};`);
      // Where the tile ends behind the last row, that one is computed more than once.
      this.#rows(r => this.#line(`let i${r} = min(first + ${r}u, ${rows - 1}u);`));
      body();
    });
    const guard = [
      `let thread = ${index};`,
      `if (thread >= ${batches * tiles}u) { return; }`,
      `let batch = thread / ${tiles}u;`,
      `let first = thread % ${tiles}u * ${this.#tile}u;\n`,
    ].join("\n");
    return this.#builder.finish(label, guard + main, [WORKGROUP_SIZE], workgroups);
  }

  /** Over the keys that the queries of the tile look at. */
  #overKeys(body: () => void): void {
    const end = `min(i${this.#tile - 1} + 1u, ${this.#keys}u)`;
    this.#loop("0u", this.#causal ? end : `${this.#keys}u`, body);
  }

  #loop(from: string, to: string, body: () => void): void {
    const text = this.#builder.scope(body);
    this.#line(`for (var j = ${from}; j < ${to}; j++) {\n${text}\n}`);
  }

  #rows(body: (r: number) => void): void {
    for (const r of range(this.#tile)) body(r);
  }

  /** Over the vectors of a row. */
  #each(size: number, body: (c: number) => void): void {
    for (const c of range(Math.ceil(size / 4))) body(c);
  }

  /** Declares `s`, the score of a query and a key: one is in the tile, the other in `row`. */
  #score(r: number, tile: string, row: string, query: string, key: string): void {
    const { mask } = this.#factors;
    const product = `${dot(tile, row, this.#width)} * scale`;
    const added = mask === undefined ? "" : ` + ${this.#at(mask, query, key)}`;
    const seen = `${product}${added}`;
    this.#line(
      `let s${r} = ${this.#causal ? `select(${LOWEST}, ${seen}, ${key} <= ${query})` : seen};`,
    );
  }

  /** Declares zeros for each row of the tile. */
  #declare(name: string, size: number): void {
    this.#rows(r => this.#each(size, c => this.#line(`var ${name}${r}_${c} = vec4f();`)));
  }

  /** Loads the rows of the tile of a factor. */
  #loadTile(name: string, factor: number, size: number): void {
    this.#rows(r => this.#loadRow(`${name}${r}_`, factor, size, `i${r}`));
  }

  /** Loads a row of a factor, as vectors that are zero behind its end. */
  #loadRow(name: string, factor: number, size: number, row = "j"): void {
    this.#each(size, c => {
      const four = range(4).map(e => (4 * c + e < size ? this.#at(factor, row, 4 * c + e) : "0.0"));
      this.#line(`let ${name}${c} = vec4f(${four.join(", ")});`);
    });
  }

  /** Element [row, column] of a factor in this thread's batch. */
  #at(factor: number, row: string, column: number | string): string {
    return this.#builder.value(factor, this.#place(factor, row, String(column)));
  }

  /** Stores the vectors of a row, from `offset` on. */
  #store(r: number, offset: number, size: number, vector: (c: number) => string): void {
    this.#each(size, c => {
      this.#line(`let out${r}_${offset + c} = ${vector(c)};`);
      for (const e of range(Math.min(4, size - 4 * c))) {
        this.#storeOne(r, offset + 4 * c + e, `out${r}_${offset + c}[${e}]`);
      }
    });
  }

  #storeOne(r: number, column: number, value: string): void {
    const { linear } = this.#place(this.#core, `i${r}`, String(column));
    this.#line(`${this.#builder.binding(this.#core)}[${linear}] = ${value};`);
  }

  #place(entry: number, row: string, column: string): Coords {
    const { bind } = this.#builder;
    const { shape } = this.#builder.entry(entry).op;
    const batch = Coords.fromLinear(bind, shape.slice(0, -2), "batch").axes;
    const at = /^\d+$/.test(column) ? `${column}u` : column;
    return Coords.fromAxes(bind, shape, [...batch, row, at]);
  }

  #line(...statements: string[]): void {
    for (const statement of statements) this.#builder.line(statement);
  }
}

/** The lowest finite number. */
const LOWEST = "-3.4028234e38";

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Element `c` of a row in vectors. */
function component(name: string, c: number): string {
  return `${name}${Math.floor(c / 4)}[${c % 4}]`;
}

/** The product of two rows in vectors. */
function dot(a: string, b: string, size: number): string {
  const products = range(Math.ceil(size / 4)).map(c => `dot(${a}${c}, ${b}${c})`);
  return `(${products.join(" + ")})`;
}
