import { expect, it } from "vitest";
import { splitArguments } from "../../extension/runs/commandLine.ts";

it.each([
  ["", []],
  ["  --lr   1e-3 ", ["--lr", "1e-3"]],
  [`--name "two words" 'and "more"'`, ["--name", "two words", 'and "more"']],
  [`--empty "" end`, ["--empty", "", "end"]],
  [`a"b c"d`, ["ab cd"]],
  [String.raw`C:\data\x.csv`, [String.raw`C:\data\x.csv`]],
])("splits %j", (text, expected) => {
  expect(splitArguments(text)).toEqual(expected);
});

it("names the quote that is not closed", () => {
  expect(() => splitArguments('--name "two words')).toThrow('The quote " is not closed.');
});
