/** Rules of PyTorch that no number shows: what shares memory, what counts, what is refused. */
import { describe, expect, test } from "vitest";
import { nn, noGrad, ones, optim, type Tensor, tensor, zeros } from "../../runtime/index.ts";

const values = async (x: Tensor | null | undefined) => [...((await x?.data()) ?? [])];
const leaf = (data: number[]) => tensor(data, { requiresGrad: true });
const index = (...numbers: number[]) => tensor(numbers, { dtype: "int32" });

describe("in place", () => {
  test("copy_ and fill_ replace what is not finite", async () => {
    const x = tensor([Number.NaN, Number.POSITIVE_INFINITY]);
    expect(await values(x.copy_(tensor([1, 2])))).toEqual([1, 2]);
    x.copy_(tensor(Number.NaN)).zero_();
    expect(await values(x)).toEqual([0, 0]);
  });

  test("copy_ broadcasts, keeps the dtype, and does not follow its source", async () => {
    const target = zeros(2, 2).to("int32");
    const source = tensor([1.5, 2.5]);
    target.copy_(source);
    source.mul_(10);
    expect(target.dtype).toBe("int32");
    expect(await values(target)).toEqual([1, 2, 1, 2]);
  });

  test("a clone does not follow an optimizer", async () => {
    const parameter = new nn.Parameter(tensor([1, 2]));
    const before = parameter.clone();
    parameter.sum().backward();
    await new optim.SGD([parameter], { lr: 1 }).step();
    expect(await values(before)).toEqual([1, 2]);
    expect(await values(parameter)).toEqual([0, 1]);
  });

  test("a target network takes over the parameters as they are", async () => {
    const online = new nn.Parameter(tensor([1, 2]));
    const target = new nn.Parameter(tensor([0, 0]));
    const optimizer = new optim.SGD([online], { lr: 1 });
    online.sum().backward();
    await optimizer.step();
    noGrad(() => target.copy_(online));
    await optimizer.step();
    expect(await values(target)).toEqual([0, 1]);
    expect(await values(online)).toEqual([-1, 0]);
  });

  test("a result that its derivative needs must not change before backward", () => {
    for (const make of [
      (x: Tensor) => x.exp(),
      (x: Tensor) => x.tanh(),
      (x: Tensor) => x.amax(0, true),
      (x: Tensor) => x.logsumexp(0, true),
    ]) {
      const y = make(leaf([1, 2]));
      y.mul_(3);
      expect(() => y.sum().backward()).toThrow(
        /^one of the variables needed for gradient computation has been modified by an inplace operation/,
      );
    }
  });

  test("other results may change", async () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    y.mul_(3);
    y.sum().backward();
    expect(await values(x.grad)).toEqual([6, 6]);
  });
});

describe("indices", () => {
  test("out of range are refused", () => {
    expect(() => ones(3).indexSelect(0, index(0, 3))).toThrow(
      "indexSelect: index 3 is out of bounds for dimension 0 with size 3",
    );
    expect(() => ones(2, 3).gather(1, tensor([[-1]], { dtype: "int32" }))).toThrow(
      "gather: index -1 is out of bounds for dimension 1 with size 3",
    );
  });
});
