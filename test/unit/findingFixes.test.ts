import { describe, expect, it } from "vitest";
import {
  isSilenced,
  shortVerdict,
  silencingComment,
  suggestionEdit,
} from "../../extension/code/findingFixes.ts";
import { findSetting } from "../../extension/code/hyperparameters.ts";
import { liveChange } from "../../runtime/protocol/control.ts";
import {
  type Finding,
  type Hyperparameter,
  mostSerious,
  type Suggestion,
  suggestedText,
} from "../../runtime/protocol/finding.ts";

function suggest(from: number, to: number): Suggestion {
  return { target: "lr", from, to, range: [to / 2, to * 2] };
}

function finding(change: Partial<Finding> = {}): Finding {
  return {
    id: "1",
    code: "lr.tooLarge",
    severity: "warning",
    state: "raised",
    title: "The learning rate is too high",
    message: "",
    about: { type: "hyperparameter", name: "lr", group: 0 },
    confidence: 1,
    since: 10,
    step: 10,
    evidence: [],
    ...change,
  };
}

it.each([
  [0.0812, "0.081"],
  [3.04e-4, "3e-4"],
  [1, "1"],
  [1.26e-7, "1.3e-7"],
  [512, "510"],
])("a suggestion of %d is written %s", (to, text) => {
  expect(suggestedText(suggest(1, to))).toBe(text);
});

describe("following a suggestion", () => {
  const follow = (options: string): string | undefined => {
    const source = `import { optim } from "stepscope";\nnew optim.SGD(p${options});`;
    const setting = findSetting(source, "lr");
    const edit = setting && suggestionEdit(setting, suggest(3, 0.08));
    return edit && source.slice(0, edit.start) + edit.text + source.slice(edit.end);
  };

  it.each([
    [", { lr: 3 }", ", { lr: 0.08 }"],
    [', { lr: Number(env.LR ?? "3") }', ', { lr: Number(env.LR ?? "0.08") }'],
    [", { momentum: 0.9 }", ", { lr: 0.08, momentum: 0.9 }"],
    ["", ", { lr: 0.08 }"],
  ])("turns %j into %j", (before, after) => {
    expect(follow(before)).toContain(`new optim.SGD(p${after});`);
  });

  it("leaves what is computed alone", () => {
    expect(follow(", { lr: 3 * scale }")).toBeUndefined();
  });
});

describe("following what rules beside the verdict suggest", () => {
  const follow = (source: string, name: Hyperparameter, group: number, suggestion: Suggestion) => {
    const setting = findSetting(source, name, group);
    const edit = setting && suggestionEdit(setting, suggestion);
    return edit && source.slice(0, edit.start) + edit.text + source.slice(edit.end);
  };

  it("gives a group whose learning rate is 0 that of the others", () => {
    const source = (lr: string) =>
      `import { optim } from "stepscope";
       new optim.Adam([{ params: head }, { params: body, lr: ${lr} }], { lr: 3e-3 });`;
    const suggestion = { target: "lr", from: 0, to: 3e-3, range: [3e-4, 3e-3] } as const;
    expect(follow(source("0"), "lr", 1, suggestion)).toBe(source("0.003"));
  });

  it("writes a batch size that is counted, through a constant", () => {
    const source = (size: string) =>
      `import { data } from "stepscope";
       const size = ${size};
       const loader = new data.DataLoader(set, { batchSize: size, shuffle: true });`;
    const suggestion = { target: "batchSize", from: 8, to: 128, range: [64, 256] } as const;
    expect(follow(source("8"), "batchSize", 0, suggestion)).toBe(source("128"));
  });
});

describe("in a few words", () => {
  it.each([
    [5.2, 1, "lr ≈ 5× too high"],
    [37, 1, "lr ≈ 37× too high"],
    [1e-6, 2e-3, "lr ≈ 2 000× too low"],
  ])("from %d to %d: %s", (from, to, text) => {
    const words = shortVerdict(finding({ suggestion: suggest(from, to) }));
    expect(words.replace("\u202f", " ")).toBe(text);
  });

  it("is the title without a suggestion", () => {
    expect(shortVerdict(finding())).toBe("The learning rate is too high");
  });

  it("names the most serious first", () => {
    const [info, error] = [finding({ severity: "info" }), finding({ severity: "error" })];
    expect(mostSerious([info, finding(), error])).toBe(error);
    expect(mostSerious([])).toBeUndefined();
  });
});

describe("in a loop that runs, the suggestion", () => {
  it("is the value that one reads, for the group it is about", () => {
    const suggestion = suggest(3, 0.08123);
    const about = { type: "hyperparameter", name: "lr", group: 2 } as const;
    const change = { type: "set", group: 2, name: "lr", value: 0.081 };
    expect(liveChange(finding({ suggestion, about }))).toEqual(change);
  });

  it("is nothing where there is none, or where nothing can be set", () => {
    expect(liveChange(finding())).toBeUndefined();
    const suggestion = { ...suggest(32, 64), target: "batchSize" } as const;
    expect(liveChange(finding({ suggestion }))).toBeUndefined();
  });
});

describe("a comment silences a rule", () => {
  it.each([
    ["on its own line", ["const lr = 3; // stepscope-ignore lr.tooLarge"], 0],
    ["on the line above", ["  // stepscope-ignore lr.tooLarge", "const lr = 3;"], 1],
    ["by its kind", ["// stepscope-ignore lr", "const lr = 3;"], 1],
    ["among others", ["// stepscope-ignore data.sorted, lr.tooLarge", "const lr = 3;"], 1],
  ])("%s", (_, lines, line) => {
    expect(isSilenced(lines, line, "lr.tooLarge")).toBe(true);
  });

  it.each([
    ["of another rule", ["// stepscope-ignore lr.tooSmall", "const lr = 3;"], 1],
    ["two lines above", ["// stepscope-ignore lr", "", "const lr = 3;"], 2],
    ["behind the code above", ["f(); // stepscope-ignore lr", "const lr = 3;"], 1],
  ])("but not %s", (_, lines, line) => {
    expect(isSilenced(lines, line, "lr.tooLarge")).toBe(false);
  });

  it("and is written as it is read", () => {
    const line = "  const lr = 3;";
    const comment = silencingComment(line, "lr.tooLarge");
    expect(comment).toBe("  // stepscope-ignore lr.tooLarge\n");
    expect(isSilenced([...comment.trimEnd().split("\n"), line], 1, "lr.tooLarge")).toBe(true);
  });
});
