/** Sorted runs of rows, merged in pairs: every place of the result finds its element by itself. */
import type { KernelBuilder } from "./builder.ts";
import type { Coords } from "./coords.ts";

/**
 * Where in its row of `keys` lies the element that comes to `at` when every two neighbouring runs of
 * `run` sorted elements become one; a row has whole pairs of them. A binary search along the "merge
 * path" (Odeh, Green, Mwassi, Shmueli, Birk 2012) tells how many of the elements before that place
 * come from the first run. Equal keys keep their order.
 */
export function mergeSource(builder: KernelBuilder, keys: number, run: number, at: Coords): string {
  const { shape } = builder.entry(keys).op;
  const dim = shape.length - 1;
  const place = at.axes[dim] ?? "0u";
  const length = builder.value(run, at);
  const offset = builder.bind(`${place} % (2u * ${length})`);
  const start = builder.bind(`${place} - ${offset}`);
  const key = (index: string): string => builder.value(keys, at.replaceAxis(dim, index, shape));
  const [low, high] = [builder.fresh(), builder.fresh()];
  builder.line(`var ${low} = ${offset} - min(${offset}, ${length});`);
  builder.line(`var ${high} = min(${offset}, ${length});`);
  const halve = builder.scope(() => {
    const half = builder.bind(`(${low} + ${high}) / 2u`);
    const first = key(builder.bind(`${start} + ${half}`));
    const second = key(builder.bind(`${start} + ${length} + ${offset} - 1u - ${half}`));
    builder.line(
      `if (${first} <= ${second}) { ${low} = ${half} + 1u; } else { ${high} = ${half}; }`,
    );
  });
  builder.line(`while (${low} < ${high}) {\n${halve}\n}`);
  const [first, second] = [
    builder.bind(`${start} + ${low}`),
    builder.bind(`${start} + ${length} + ${offset} - ${low}`),
  ];
  const [hasFirst, hasSecond] = [`${low} < ${length}`, `${offset} - ${low} < ${length}`];
  const isFirst = `${hasFirst} && (!(${hasSecond}) || ${key(first)} <= ${key(second)})`;
  return builder.bind(`i32(select(${second}, ${first}, ${isFirst}))`);
}
