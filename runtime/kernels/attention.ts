/**
 * Scaled dot-product attention without the matrix of scores in memory (Milakov and Gimelshein 2018;
 * Dao et al. 2022, arXiv 2205.14135). A thread works on one query, or for the gradients of keys and
 * values on one key, and goes over the others: no workgroup memory, no barrier, no atomic add.
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

/** Writes one of the kernels; `i` is the row of this thread, `j` that of the loop. */
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

  constructor(builder: KernelBuilder, core: number, factors: Factors, causal: boolean) {
    this.#builder = builder;
    this.#core = core;
    this.#factors = factors;
    this.#causal = causal;
    [this.#queries = 1, this.#width = 1] = builder.entry(factors.query).op.shape.slice(-2);
    [this.#keys = 1, this.#depth = 1] = builder.entry(factors.value).op.shape.slice(-2);
  }

  /** [..., queries, depth + 1]: the output, and log Σ exp s behind it. */
  output(): KernelCode {
    const { query, key, value } = this.#factors;
    const depth = this.#depth;
    this.#builder.use("expNan", "logAccurate");
    return this.#kernel("attention", this.#queries, () => {
      this.#load("q", query, this.#width);
      this.#line(`var acc: array<f32, ${depth}>;\nvar top = 0.0;\nvar mass = 0.0;`);
      this.#overKeys(() => {
        this.#score("q", key, "i", "j");
        // The largest score so far is taken out of the sums, so that none overflows.
        this.#line(
          "let rises = j == 0u || s > top;",
          "let shrink = select(1.0, select(0.0, expNan(top - s), j > 0u), rises);",
          "top = select(top, s, rises);",
          "let p = expNan(s - top);",
          "mass = mass * shrink + p;",
        );
        this.#each(depth, () => {
          this.#line(`acc[c] = acc[c] * shrink + p * ${this.#at(value, "j")};`);
        });
      });
      this.#each(depth, () => this.#store("c", "acc[c] / mass"));
      this.#store(`${depth}u`, "top + logAccurate(mass)");
    });
  }

  /** [..., queries, width + 1]: the gradient of the query, and g·o behind it. */
  queryGrad(output: number, gradient: number): KernelCode {
    const { key, query, value } = this.#factors;
    const [width, depth] = [this.#width, this.#depth];
    this.#builder.use("expNan");
    return this.#kernel("attention: query", this.#queries, () => {
      this.#load("q", query, width);
      this.#load("g", gradient, depth);
      this.#line(`var acc: array<f32, ${width}>;\nvar go = 0.0;`);
      this.#each(depth, () => this.#line(`go += g[c] * ${this.#at(output, "i")};`));
      this.#line(`let norm = ${this.#at(output, "i", `${depth}u`)};`);
      this.#overKeys(() => {
        this.#score("q", key, "i", "j");
        this.#line("let p = expNan(s - norm);\nvar gv = 0.0;");
        this.#each(depth, () => this.#line(`gv += g[c] * ${this.#at(value, "j")};`));
        this.#line("let ds = p * (gv - go);");
        this.#each(width, () => this.#line(`acc[c] += ds * ${this.#at(key, "j")};`));
      });
      this.#each(width, () => this.#store("c", "acc[c] * scale"));
      this.#store(`${width}u`, "go");
    });
  }

  /** [..., keys, width + depth]: the gradient of the key and, behind it, that of the value. */
  keyGrad(output: number, gradient: number, queryGrad: number): KernelCode {
    const { key, query, value } = this.#factors;
    const [width, depth] = [this.#width, this.#depth];
    this.#builder.use("expNan");
    return this.#kernel("attention: key and value", this.#keys, () => {
      this.#load("k", key, width);
      this.#load("v", value, depth);
      this.#line(`var dk: array<f32, ${width}>;\nvar dv: array<f32, ${depth}>;`);
      this.#loop(this.#causal ? "i" : "0u", `${this.#queries}u`, () => {
        this.#score("k", query, "j", "i");
        this.#line(`let p = expNan(s - ${this.#at(output, "j", `${depth}u`)});\nvar gv = 0.0;`);
        this.#each(depth, () => {
          const g = this.#at(gradient, "j");
          this.#line(`gv += ${g} * v[c];\ndv[c] += p * ${g};`);
        });
        this.#line(`let ds = p * (gv - ${this.#at(queryGrad, "j", `${width}u`)});`);
        this.#each(width, () => this.#line(`dk[c] += ds * ${this.#at(query, "j")};`));
      });
      this.#each(width, () => this.#store("c", "dk[c] * scale"));
      this.#each(depth, () => this.#store(`c + ${width}u`, "dv[c]"));
    });
  }

  /** A thread for each of the `rows` of each batch. */
  #kernel(label: string, rows: number, body: () => void): KernelCode {
    const batches = numel(this.#builder.entry(this.#core).op.shape.slice(0, -2));
    const { workgroups, index } = linearGrid(batches * rows);
    const main = this.#builder.scope(() => {
      const { scale } = this.#factors;
      const number = this.#builder.value(scale, Coords.fromLinear(this.#builder.bind, [], "0u"));
      this.#line(`let scale = ${number};`);
      body();
    });
    const guard = [
      `let thread = ${index};`,
      `if (thread >= ${batches * rows}u) { return; }`,
      `let batch = thread / ${rows}u;`,
      `let i = thread % ${rows}u;\n`,
    ].join("\n");
    return this.#builder.finish(label, guard + main, [WORKGROUP_SIZE], workgroups);
  }

  /** Over the keys that query `i` looks at. */
  #overKeys(body: () => void): void {
    this.#loop("0u", this.#causal ? `min(i + 1u, ${this.#keys}u)` : `${this.#keys}u`, body);
  }

  #loop(from: string, to: string, body: () => void): void {
    const text = this.#builder.scope(body);
    this.#line(`for (var j = ${from}; j < ${to}; j++) {\n${text}\n}`);
  }

  /** Over the elements `c` of a row. */
  #each(size: number, body: () => void): void {
    const text = this.#builder.scope(body);
    this.#line(`for (var c = 0u; c < ${size}u; c++) {\n${text}\n}`);
  }

  /** Declares `s`, the score of a query and a key: one is in `row`, `factor` has the other at `j`. */
  #score(row: string, factor: number, query: string, key: string): void {
    this.#line("var product = 0.0;");
    this.#each(this.#width, () => this.#line(`product += ${row}[c] * ${this.#at(factor, "j")};`));
    const { mask } = this.#factors;
    this.#line(
      `let s = product * scale${mask === undefined ? "" : ` + ${this.#at(mask, query, key)}`};`,
    );
  }

  /** Loads row `i` of a factor into registers. */
  #load(name: string, factor: number, size: number): void {
    this.#line(`var ${name}: array<f32, ${size}>;`);
    this.#each(size, () => this.#line(`${name}[c] = ${this.#at(factor, "i")};`));
  }

  /** Element [row, column] of a factor in this thread's batch. */
  #at(factor: number, row: string, column = "c"): string {
    return this.#builder.value(factor, this.#place(factor, row, column));
  }

  #store(column: string, value: string): void {
    const { linear } = this.#place(this.#core, "i", column);
    this.#line(`${this.#builder.binding(this.#core)}[${linear}] = ${value};`);
  }

  #place(entry: number, row: string, column: string): Coords {
    const { bind } = this.#builder;
    const { shape } = this.#builder.entry(entry).op;
    const batch = Coords.fromLinear(bind, shape.slice(0, -2), "batch").axes;
    return Coords.fromAxes(bind, shape, [...batch, row, column]);
  }

  #line(...statements: string[]): void {
    for (const statement of statements) this.#builder.line(statement);
  }
}
