import { expect, test, vi } from "vitest";
import { autocast, tensor } from "../../runtime/index.ts";

test("autocast computes in float32, and says so once", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const third = () => tensor([1]).div(3);
  expect(await autocast(third, { enabled: false }).item()).toBe(Math.fround(1 / 3));
  expect(warn).not.toHaveBeenCalled();
  for (let i = 0; i < 2; i++) {
    const value = autocast(third, { dtype: "bfloat16" });
    expect(value.dtype).toBe("float32");
    expect(await value.item()).toBe(Math.fround(1 / 3));
  }
  expect(await autocast(async () => 7)).toBe(7);
  expect(warn.mock.calls).toEqual([
    [
      "autocast: there are no kernels for bfloat16 yet; everything is computed in float32, which needs no " +
        "loss scaling.",
    ],
  ]);
  warn.mockRestore();
  expect(() => autocast("cuda" as never)).toThrow("autocast: expects a function");
  expect(() => autocast(third, { dtype: "float8" as never })).toThrow(
    'dtype should be "float16" or "bfloat16", got float8',
  );
});
