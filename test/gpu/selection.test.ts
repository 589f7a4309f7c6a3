/** Elements that a condition picks, however many they are: PyTorch's nonzero and masked_select. */
import { expect, test } from "vitest";
import { maskedSelect, nonzero, ones, tensor, zeros } from "../../runtime/index.ts";

const matrix = tensor([
  [0, 2, 0],
  [Number.NaN, 0, -1],
]);

test("nonzero: indices in order, of any number of dimensions", async () => {
  const found = await matrix.nonzero();
  expect([found.shape, found.dtype]).toEqual([[3, 2], "int32"]);
  expect([...(await found.data())]).toEqual([0, 1, 1, 0, 1, 2]);
  expect([...(await (await nonzero(tensor([0, 0, 5, 1]))).data())]).toEqual([2, 3]);
  expect((await zeros(2, 2).nonzero()).shape).toEqual([0, 2]);
  // A number has no dimensions that indices could be of.
  expect((await tensor(3).nonzero()).shape).toEqual([1, 0]);
  expect((await tensor(0).nonzero()).shape).toEqual([0, 0]);
});

test("maskedSelect: both broadcast, what was computed too, and the gradient goes back", async () => {
  const x = tensor([[1], [2]], { requiresGrad: true });
  const mask = tensor([3, 1, 2]).gt(1.5);
  const picked = await x.mul(10).maskedSelect(mask);
  expect([...(await picked.data())]).toEqual([10, 10, 20, 20]);
  picked
    .mul(tensor([1, 2, 3, 4]))
    .sum()
    .backward();
  expect([...(await (x.grad ?? zeros(2)).data())]).toEqual([30, 70]);
  expect((await maskedSelect(x, zeros(2, 3).gt(1))).shape).toEqual([0]);
});

test("what is no mask, or of another size, is refused", async () => {
  await expect(matrix.maskedSelect(matrix)).rejects.toThrow(
    "maskedSelect: the mask should be bool, this one is float32. Compare it, as in mask.ne(0)",
  );
  await expect(matrix.maskedSelect(ones(2).gt(0))).rejects.toThrow("maskedSelect: [2, 3] and [2]");
});
