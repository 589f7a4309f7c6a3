import { describe, expect, it } from "vitest";
import { matcherOf, rowsOf, treeOf } from "../../webview/charts/tensorTree.ts";

const NAMES = [
  "embed.weight",
  "blocks.0.attn.query.weight",
  "blocks.0.attn.query.bias",
  "blocks.0.norm.weight",
  "blocks.1.norm.weight",
  "scale",
];

/** The lines of a tree, indented as they are shown. */
function lines(names: readonly string[], collapsed: readonly string[] = []): string[] {
  return rowsOf(treeOf(names), collapsed).map(
    ({ node, depth }) => "  ".repeat(depth) + node.label + (node.children ? "/" : ""),
  );
}

describe("treeOf", () => {
  it("mirrors the modules, one in another in one line", () => {
    expect(lines(NAMES)).toEqual([
      "embed/",
      "  weight",
      "blocks/",
      "  0/",
      "    attn.query/",
      "      weight",
      "      bias",
      "    norm/",
      "      weight",
      "  1.norm/",
      "    weight",
      "scale",
    ]);
  });

  it("knows all tensors of a module", () => {
    const blocks = treeOf(NAMES)[1];
    expect(blocks?.name).toBe("blocks");
    expect(blocks?.tensors).toEqual(NAMES.slice(1, 5));
  });

  it("leaves out what is collapsed", () => {
    expect(lines(NAMES, ["blocks"])).toEqual(["embed/", "  weight", "blocks/", "scale"]);
    expect(lines(NAMES, ["blocks.0.attn.query"])).not.toContain("      bias");
  });

  it("takes names that are also those of modules, and odd dots", () => {
    expect(lines(["a", "a.b", "c..d", ""])).toEqual(["a", "a/", "  b", "c./", "  d", ""]);
  });
});

describe("matcherOf", () => {
  it.each([
    ["norm", ["blocks.0.norm.weight", "blocks.1.norm.weight"]],
    [" EMBED", ["embed.weight"]],
    ["blocks.*.weight", [NAMES[1], NAMES[3], NAMES[4]]],
    ["blocks.?.norm.*", ["blocks.0.norm.weight", "blocks.1.norm.weight"]],
    ["scal?", ["scale"]],
    ["block*norm", []],
    ["s.ale", []],
    ["", NAMES],
    ["(", []],
  ])("finds by %j", (filter, found) => {
    expect(NAMES.filter(matcherOf(filter))).toEqual(found);
  });
});
