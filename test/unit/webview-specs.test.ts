import { build, type Plugin } from "esbuild";
import { expect, test } from "vitest";
import { SLOT_DASHES } from "../../webview/slots.ts";

interface Mark {
  readonly type: string;
  readonly marks?: readonly Mark[];
  readonly encode: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Spec {
  readonly data: readonly {
    readonly name: string;
    readonly transform?: readonly { type: string }[];
  }[];
  readonly marks: readonly Mark[];
}

/** It is JavaScript, as the build is. */
const PLUGIN = "../../webview/vegaLitePlugin.mjs";

/** The charts as the build compiles them. */
async function compiled(): Promise<Readonly<Record<string, Spec>>> {
  const contents = 'export { specs } from "vega-lite:charts";';
  const { vegaLite } = (await import(PLUGIN)) as { readonly vegaLite: Plugin };
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    format: "esm",
    write: false,
    plugins: [vegaLite],
  });
  const source = Buffer.from(outputFiles[0]?.contents ?? []).toString("base64");
  return (await import(`data:text/javascript;base64,${source}`)).specs;
}

function marksOf(marks: readonly Mark[]): readonly Mark[] {
  return marks.flatMap(mark => (mark.marks ? marksOf(mark.marks) : [mark]));
}

test("points of live charts are moved, and neither copied, described nor styled again", async () => {
  const charts = Object.entries(await compiled()).filter(([name]) => !/^picture/.test(name));
  expect(charts.length).toBeGreaterThanOrEqual(14);
  let lines = 0;
  for (const [name, { data, marks }] of charts) {
    const copied = data.filter(({ transform = [] }) =>
      transform.some(({ type }) => type !== "filter"),
    );
    expect(copied, name).toEqual([]);
    for (const { type, encode } of marksOf(marks)) {
      expect(Object.keys(encode.update ?? {}), name).not.toContain("description");
      if (type !== "line" && type !== "area") continue;
      lines += 1;
      const places = ["x", "y", "y2", "defined"];
      expect(
        Object.keys(encode.update ?? {}).filter(key => !places.includes(key)),
        name,
      ).toEqual([]);
    }
  }
  expect(lines).toBeGreaterThan(10);
});

test("a line without gaps is no dashed one, which a canvas would cut into a dash for each pixel", () => {
  expect(SLOT_DASHES[0]).toEqual([]);
  expect(SLOT_DASHES.every(dash => dash.length === 0 || (dash[1] ?? 0) > 0)).toBe(true);
});
