import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type Tensor, tensor } from "../../runtime/index.ts";

/** A tensor as test/fixtures/generate.py writes it. */
export interface Encoded {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "float16" | "int32" | "bool";
  /** JSON lacks NaN and infinity: they are strings there. */
  readonly data: readonly (number | "nan" | "inf" | "-inf")[];
}

/** A number of a fixture. */
export function numeric(value: Encoded["data"][number]): number {
  if (typeof value === "number") return value;
  return value === "nan" ? Number.NaN : Number(value.replace("inf", "Infinity"));
}

/** What PyTorch computed; the version that did is in `torch`. */
export function readFixture<T>(name: string): T & { readonly torch: string } {
  const file = new URL(`../fixtures/${name}.json.gz`, import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(file)).toString());
}

/** A leaf with the numbers of a fixture. */
export function decode({ shape, dtype, data }: Encoded, requiresGrad = false): Tensor {
  const isFloat = dtype === "float32" || dtype === "float16";
  const values = new (isFloat ? Float32Array : Int32Array)(data.map(numeric));
  return tensor(values, { dtype, shape, requiresGrad: requiresGrad && isFloat });
}

/** The value, which the fixture must have. */
export function required<T>(value: T | null | undefined): T {
  if (value === undefined || value === null) throw new Error("the fixture lacks a value");
  return value;
}
