import { describe, expect, it } from "vitest";
import type { TextDocument, TextDocumentChangeEvent } from "vscode";
import { TrainingDocuments } from "../../extension/code/trainingDocuments.ts";

const lines = [
  'import { optim } from "stepscope";',
  "",
  "for (;;) {",
  "  l.backward();",
  "  o.step();",
  "}",
];

/** The part of a document that the cache reads. */
function textDocument(text: string, version: number): TextDocument {
  const uri = { toString: () => "file:///train.ts" };
  return { uri, version, getText: () => text } as unknown as TextDocument;
}

function edit(
  document: TextDocument,
  [startLine, startCharacter]: readonly [number, number],
  [endLine, endCharacter]: readonly [number, number],
  text: string,
): TextDocumentChangeEvent {
  const start = { line: startLine, character: startCharacter };
  const end = { line: endLine, character: endCharacter };
  return {
    document,
    contentChanges: [{ range: { start, end }, text }],
  } as unknown as TextDocumentChangeEvent;
}

describe("TrainingDocuments", () => {
  it("parses a version once", async () => {
    const documents = new TrainingDocuments();
    const document = textDocument(lines.join("\n"), 1);
    expect(await documents.find(document)).toBe(await documents.find(document));
  });

  it("sees a new version", async () => {
    const documents = new TrainingDocuments();
    await documents.find(textDocument(lines.join("\n"), 1));
    const moved = await documents.find(textDocument(["", ...lines].join("\n"), 2));
    expect(moved?.lensLine).toBe(4);
  });

  it("has the last answer at once, moved by an edit, until the new text is looked at", async () => {
    const documents = new TrainingDocuments();
    expect(documents.last(textDocument(lines.join("\n"), 1))).toBeUndefined();
    await documents.find(textDocument(lines.join("\n"), 1));
    const edited = textDocument(["for (;;) l.backward();", ...lines].join("\n"), 2);
    documents.edited(edit(edited, [0, 0], [0, 0], "for (;;) l.backward();\n"));
    expect(documents.last(edited)).toMatchObject({ version: 1, training: { lensLine: 4 } });
    await documents.find(edited);
    expect(documents.last(edited)).toMatchObject({ version: 2, training: { lensLine: 4 } });
  });

  it("doubts the last answer when an edit went over its line", async () => {
    const documents = new TrainingDocuments();
    await documents.find(textDocument(lines.join("\n"), 1));
    const inside = textDocument(lines.join("\n"), 2);
    documents.edited(edit(inside, [3, 0], [5, 1], "}"));
    expect(documents.last(inside)?.isDoubtful).toBe(false);
    const reverted = textDocument(lines.slice(2).join("\n"), 3);
    documents.edited(edit(reverted, [0, 0], [5, 1], lines.slice(2).join("\n")));
    expect(documents.last(reverted)?.isDoubtful).toBe(true);
    await documents.find(textDocument(lines.join("\n"), 4));
    expect(documents.last(reverted)?.isDoubtful).toBeUndefined();
  });

  it.each([
    ["nothing above the loop", [1, 0], [1, 0], "const x = (", 3],
    ["a line typed above", [1, 0], [1, 0], "const x = (\n", 4],
    ["a line break at the start of the loop's line", [2, 0], [2, 0], "if (\n", 4],
    ["a line removed above", [0, 34], [1, 0], "(", 2],
    ["lines typed inside the loop", [3, 0], [3, 0], "const x = (\n\n", 3],
  ] as const)(
    "keeps the last answer while broken, moved by %s",
    async (_, start, end, text, line) => {
      const documents = new TrainingDocuments();
      await documents.find(textDocument(lines.join("\n"), 1));
      const broken = textDocument("import 'stepscope'; const x = (", 2);
      documents.edited(edit(broken, start, end, text));
      expect((await documents.find(broken))?.lensLine).toBe(line);
    },
  );

  it("has no answer for a file that was broken from the start, or was closed", async () => {
    const documents = new TrainingDocuments();
    const broken = textDocument("import 'stepscope'; const x = (", 2);
    expect(await documents.find(broken)).toBeUndefined();
    const good = textDocument(lines.join("\n"), 1);
    await documents.find(good);
    documents.forget(good);
    expect(await documents.find(broken)).toBeUndefined();
  });
});
