/**
 * Elements that a condition picks. How many they are is known when the condition has been read back, so that these
 * are promises, unlike all other operations: `where` picks without waiting, and keeps the shape.
 */
import { tensor } from "./creation.ts";
import { indexSelect } from "./indexing.ts";
import { requireMask } from "./masks.ts";
import { broadcastShapes, type Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";
import { expand, reshape } from "./views.ts";

/** Where elements are not zero, in order: int32 of [count, dimensions]. NaN is not zero. */
export async function nonzero(x: Tensor): Promise<Tensor> {
  const places = nonzeroPlaces(await x.data());
  const indices = places.flatMap(place => indexOf(place, x.shape));
  return tensor(Int32Array.from(indices), { shape: [places.length, x.ndim] });
}

/**
 * The elements where the mask (bool) is true, in order, as a vector; both broadcast. They get the gradient.
 * @throws TypeError if the mask is not bool; RangeError if they do not broadcast.
 */
export async function maskedSelect(x: Tensor, mask: Tensor): Promise<Tensor> {
  requireMask("maskedSelect", mask);
  const shape = broadcastShapes(x.shape, mask.shape, "maskedSelect");
  const places = nonzeroPlaces(await expand(mask, shape).data());
  const all = reshape(expand(x, shape), [-1]);
  return indexSelect(all, 0, tensor(Int32Array.from(places)));
}

function nonzeroPlaces(values: Awaited<ReturnType<Tensor["data"]>>): number[] {
  const places: number[] = [];
  for (const [place, value] of values.entries()) if (value !== 0) places.push(place);
  return places;
}

function indexOf(place: number, shape: Shape): number[] {
  let rest = place;
  const index: number[] = [];
  for (const size of shape.toReversed()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}
