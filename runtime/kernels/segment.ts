/** Sums over stretches of sorted rows: what belongs to one place lies side by side. */
import type { KernelBuilder } from "./builder.ts";
import type { Coords } from "./coords.ts";
import { SUM_BLOCK } from "./reduce.ts";

/**
 * The sum of all `values` along dimension `dim` whose key is the index of `at` there; keys are sorted along
 * it. A binary search finds where they begin and end, and they are added in their order.
 */
export function segmentSource(
  builder: KernelBuilder,
  values: number,
  keys: number,
  dim: number,
  at: Coords,
): string {
  const { shape } = builder.entry(values).op;
  const element = (index: number, j: string): string =>
    builder.value(index, at.replaceAxis(dim, j, shape));
  const place = builder.bind(`i32(${at.axes[dim] ?? "0u"})`);
  const firstWhere = (isBefore: (key: string) => string): string => {
    const [low, high] = [builder.fresh(), builder.fresh()];
    builder.line(`var ${low} = 0u;\nvar ${high} = ${shape[dim] ?? 1}u;`);
    const halve = builder.scope(() => {
      const half = builder.bind(`(${low} + ${high}) / 2u`);
      const before = isBefore(element(keys, half));
      builder.line(`if (${before}) { ${low} = ${half} + 1u; } else { ${high} = ${half}; }`);
    });
    builder.line(`while (${low} < ${high}) {\n${halve}\n}`);
    return low;
  };
  const start = firstWhere(key => `i32(${key}) < ${place}`);
  const end = firstWhere(key => `i32(${key}) <= ${place}`);

  const type = builder.type(values);
  const [total, part, block, j] = [1, 2, 3, 4].map(() => builder.fresh());
  const step = builder.scope(() => builder.line(`${part} += ${element(values, j ?? "")};`));
  builder.line(
    [
      `var ${total} = ${type}(0);`,
      `for (var ${block} = ${start}; ${block} < ${end}; ${block} += ${SUM_BLOCK}u) {`,
      `var ${part} = ${type}(0);`,
      `for (var ${j} = ${block}; ${j} < min(${block} + ${SUM_BLOCK}u, ${end}); ${j}++) {`,
      `${step}\n}`,
      `${total} += ${part};\n}`,
    ].join("\n"),
  );
  return total ?? "";
}
