/** What is drawn and said of learning rates that are tried. */
import { expect, test } from "vitest";
import { parseFactors } from "../../runtime/protocol/branch.ts";
import {
  branchModel,
  branchScale,
  describeBranches,
  lossText,
} from "../../webview/picture/branchModel.ts";

const branch = (factor: number, ...losses: number[]) => ({
  factor,
  lr: factor / 10,
  losses: Float64Array.from(losses),
  changes: [],
});

const over = { step: 40, steps: 3, count: 2, isOver: true };

test.each([
  ["0.25 0.5 1 2 4", [0.25, 0.5, 1, 2, 4]],
  ["½", [Number.NaN]],
  ["0.5×, 1×;2e1", [0.5, 1, 20]],
  ["", []],
])("factors are read from %j", (text, factors) => {
  expect(parseFactors(text)).toEqual(factors);
});

test("a branch that explodes leaves the others their room, and its line ends", () => {
  const others = [0.5, 1].map(factor =>
    branch(factor, ...Array.from({ length: 20 }, (_, i) => 2 - i / 20)),
  );
  const exploded = branch(4, 2, 1e9, Number.POSITIVE_INFINITY);
  const branches = { ...over, steps: 20, branches: [...others, exploded] };
  expect(branchScale(branches)).toBe("log");
  const { points, xDomain, yDomain } = branchModel(branches, "log");
  expect(xDomain).toEqual([41, 60]);
  expect(yDomain[1]).toBeLessThan(10);
  expect(points.slice(-3).map(({ x, y, slot }) => [x, y, slot])).toEqual([
    [41, 2, 2],
    [42, 1e9, 2],
    [43, Number.NaN, 2],
  ]);
  expect([lossText(exploded, 1), lossText(exploded, 2), lossText(exploded, 3)]).toEqual([
    "1e9",
    "∞",
    "ended",
  ]);
  // A loss that is not positive has no logarithm.
  expect(branchScale({ ...over, branches: [branch(1, 1, 0)] })).toBe("linear");
});

test("how far they are, and how they ended, is said in words", () => {
  const branches = [branch(1, 3, 2, 1), branch(2, 3, 2)];
  expect(describeBranches({ ...over, branches, isOver: false })).toBe(
    "Branch 2 of 2, step 2 of 3.",
  );
  expect(
    describeBranches({ ...over, branches: [branch(1, 3, 2, 1), branch(2, 3, 0.5, 0.25)] }),
  ).toBe(
    "From step 40, 3 steps each. The lowest loss at the end, 0.25, is that of η 0.2. The run stands where it stood.",
  );
  expect(describeBranches({ ...over, branches: [branch(2, 3, Number.NaN)] })).toBe(
    "From step 40, 3 steps each. At η 0.2 the loss was not finite in step 2. The run stands where it stood.",
  );
  expect(describeBranches({ ...over, branches, problem: "Cancelled." })).toBe("Cancelled.");
});
