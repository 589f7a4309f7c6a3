import { describe, expect, it } from "vitest";
import { pageHtml } from "../../runtime/page/html.ts";
import { parsePageMessage, parsePageState } from "../../runtime/page/pageMessages.ts";

describe("parsePageMessage", () => {
  it.each([
    [{ type: "ready" }],
    [{ type: "stop" }],
    [{ type: "train" }],
    [{ type: "listRuns" }],
    [{ type: "pin" }],
    [{ type: "compareSource", runFolder: "/runs/a" }],
    [{ type: "pin", runFolder: "/runs/a" }],
    [{ type: "compare", runFolders: ["/runs/a", "/runs/b"] }],
    [{ type: "control", control: { type: "step", count: 10 } }],
    [{ type: "openSource", file: "/a.ts", line: 3, column: 7 }],
    [{ type: "revealFinding", id: "lr-1" }],
    [{ type: "explainFinding", code: "lr.tooLarge" }],
    [{ type: "savePicture", name: "20260115-loss.png", bytes: Uint8Array.of(1) }],
    [{ type: "keepView", view: "{}" }],
  ])("takes %j", message => {
    expect(parsePageMessage(message)).toEqual(message);
  });

  it("passes on nothing but what it knows", () => {
    expect(parsePageMessage({ type: "stop", pid: 1 })).toEqual({ type: "stop" });
  });

  it.each([
    [undefined],
    [null],
    ["ready"],
    [[]],
    [{ type: "run" }],
    [{ type: "openSource" }],
    [{ type: "revealFinding", id: 3 }],
    [{ type: "explainFinding", code: "rm -r" }],
    [{ type: "compare", runFolders: [3] }],
    [{ type: "pin", runFolder: 3 }],
    [{ type: "compareSource" }],
    [{ type: "compare", runFolders: Array(25).fill("/runs/a") }],
    [{ type: "control" }],
    [{ type: "control", control: { type: "step", count: 1.5 } }],
    [{ type: "openSource", file: 3, line: 1, column: 1 }],
    [{ type: "openSource", file: "", line: 1, column: 1 }],
    [{ type: "openSource", file: "/a.ts", line: 0, column: 1 }],
    [{ type: "openSource", file: "/a.ts", line: 1.5, column: 1 }],
    [{ type: "openSource", file: "/a.ts", line: "1", column: 1 }],
    [{ type: "openSource", file: "/a.ts", line: 1, column: 0 }],
    [{ type: "openSource", file: "/a.ts", line: 1 }],
    [{ type: "savePicture", name: "loss.png" }],
    [{ type: "histograms", tensor: 0, after: -1 }],
    [{ type: "keepView", view: {} }],
    [{ type: "keepView", view: "x".repeat(140_000) }],
    [{ type: "savePicture", name: "loss.png", bytes: [1] }],
    [{ type: "savePicture", name: "../loss.png", bytes: Uint8Array.of(1) }],
    [{ type: "savePicture", name: "loss.sh", bytes: Uint8Array.of(1) }],
  ])("refuses %j", message => {
    expect(parsePageMessage(message)).toBeUndefined();
  });
});

describe("parsePageState", () => {
  it("reads the folder of the run, if that is what it is", () => {
    expect(parsePageState({ runFolder: "/runs/a" })).toBe("/runs/a");
    expect(parsePageState({ runFolder: 3 })).toBeUndefined();
    expect(parsePageState({ runFolder: "" })).toBeUndefined();
    expect(parsePageState(undefined)).toBeUndefined();
  });
});

describe("pageHtml", () => {
  const resources = {
    cspSource: "https://resources.test",
    scripts: ["https://resources.test/panel.js"],
    styles: ["https://resources.test/panel.css"],
    language: "en",
  };

  it("forbids everything but its own resources", () => {
    const html = pageHtml(resources);
    expect(html).toContain("default-src 'none'");
    expect(html).not.toContain("unsafe-");
    expect(html).not.toMatch(/\sstyle=|<style|\son[a-z]+=/);
  });

  it("gives the page what an earlier one let it keep, and no markup", () => {
    expect(pageHtml({ ...resources, view: '{"a":"<b>"}' })).toContain(
      'data-view="{&#34;a&#34;:&#34;&#60;b&#62;&#34;}"',
    );
  });

  it("has a nonce of its own each time", () => {
    const nonce = (): string => /<script nonce="([^"]+)"/.exec(pageHtml(resources))?.[1] ?? "";
    const first = nonce();
    expect(Buffer.from(first, "base64")).toHaveLength(16);
    expect(nonce()).not.toBe(first);
  });
});
