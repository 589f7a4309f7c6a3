import { parse, type Runtime, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { compile, type TopLevelSpec } from "vega-lite";
import { describe, expect, test } from "vitest";
import { expressionClosures } from "../../webview/charts/expressions.ts";
import { specs } from "../../webview/charts/specs.ts";

const ROWS: Readonly<Record<string, readonly object[]>> = {
  raw: [
    { x: 1, y: 0.5, slot: 0 },
    { x: 2, y: Number.NaN, slot: 0 },
    { x: 3, y: 0.1, slot: 0 },
    { x: 1, y: 0.9, slot: 1 },
    { x: Number.NaN, y: 0.7, slot: 1 },
  ],
  smooth: [
    { x: 1, y: 0.5, slot: 0 },
    { x: 3, y: 0.2, slot: 1 },
  ],
  spread: [
    { x: 1, low: 0.2, high: 0.7, slot: 1 },
    { x: 2, low: 0.3, high: 0.6, slot: 1 },
  ],
  band: [
    { x: 1, low: 0.1, mid: 0.4, high: 0.8 },
    { x: 2, low: 0.2, mid: 0.5, high: 0.9 },
    { x: Number.NaN, low: 0, mid: 0, high: 0 },
  ],
  stack: [
    { x: 1, low: 0.1, high: 0.4, slot: 0 },
    { x: 2, low: 0.2, high: 0.5, slot: 0 },
    { x: 1, low: 0.4, high: 0.6, slot: 1 },
  ],
  picture: [{ x: 1, x2: 3000, y: 0, y2: 0.5, image: "none" }],
  marks: [
    { x: 2, top: true, outlier: false },
    { x: 3, top: false, outlier: true },
    { x: Number.NaN, top: true, outlier: false },
  ],
};

/** Everything that a view would draw, without the links between its items. */
async function scene(spec: TopLevelSpec, expr: object): Promise<unknown> {
  const runtime: Runtime = parse(
    compile(spec, { config: { aria: false } }).spec,
    {},
    { ast: true },
  );
  const view = new View(runtime, { expr, renderer: "none" });
  view
    .signal("xDomain", [1, 3000])
    .signal("yDomain", [1e-5, 1])
    .signal("xTicks", [1000, 2000])
    .signal("xLabels", ["1\u202f000", "2\u202f000"])
    .signal("xTitle", "step")
    .signal("yTicks", [0.00002, 0.5])
    .signal("yLabels", ["0.weight", "0.bias"])
    .signal("yChosen", 0.5)
    .signal("colors", ["#111111", "#222222"])
    .signal("dashes", [
      [1, 0],
      [4, 2],
    ])
    .signal("accent", "#333333")
    .signal("alarm", "#444444")
    .signal("quiet", "#555555")
    .signal("axisTitle", "η");
  for (const [name, rows] of Object.entries(ROWS)) {
    if (JSON.stringify(spec).includes(`"name":"${name}"`)) view.insert(name, structuredClone(rows));
  }
  await view.runAsync();
  const { root } = view.scenegraph() as unknown as { root: object };
  const drawn: unknown = JSON.parse(JSON.stringify(root, unlinked()));
  view.finalize();
  return drawn;
}

/** Leaves out what leads back to parents, to data and to Vega's own state; keeps NaN apart. */
function unlinked() {
  const links = new Set(["mark", "group", "datum", "bounds", "context", "source", "clip"]);
  return (key: string, value: unknown) => {
    if (links.has(key) || key.startsWith("_")) return undefined;
    return typeof value === "number" ? String(value) : value;
  };
}

describe("expressions as closures", () => {
  test.each(Object.entries(specs))("draw %s as the interpreter does", async (name, spec) => {
    const closures = await scene(spec, expressionClosures);
    expect(closures).toEqual(await scene(spec, expressionInterpreter));
    const marks = ["2e-5", "triangle-up", "#444444", "#555555"];
    const pictures = { heatMap: ["0.weight", "0.bias", "bold"], histogram: ["2e-5", "none"] };
    const [kind] = name.split("-");
    const shown = Object.entries(pictures).find(([picture]) => picture === kind)?.[1] ?? marks;
    for (const drawn of ["1\u202f000", ...shown]) {
      expect(JSON.stringify(closures)).toContain(drawn);
    }
  });

  const evaluate = (expression: string, expr: object) => {
    const spec = {
      signals: [
        { name: "a", value: 3 },
        { name: "result", update: expression },
      ],
    };
    const view = new View(parse(spec, {}, { ast: true }), { expr, renderer: "none" }).run();
    const result: unknown = view.signal("result");
    view.finalize();
    return result;
  };

  test.each([
    "a + 2 * a - a / 4",
    "a < 3 || a >= 3 && a !== 4",
    "if(a > 2, 'big', 'small')",
    "a === 3 ? -a : !a",
    "[5, 6, 7][a - 1]",
    "{x: a}.x",
    "+'12' + abs(-a) + max(a, 9, 4)",
    "isFinite(+null) && isNaN(NaN)",
    "PI * a",
    "replace('a,b,c', /,/g, ' ')",
    "format(a / 1000, '~e')",
    "a == '3'",
    "a % 2",
  ])("%s is what the interpreter says", expression => {
    expect(evaluate(expression, expressionClosures)).toEqual(
      evaluate(expression, expressionInterpreter),
    );
  });

  test("give no property by a name that was put together", () => {
    expect(evaluate("a['con' + 'structor']", expressionClosures)).toBeUndefined();
  });
});
