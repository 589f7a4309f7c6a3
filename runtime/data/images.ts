/** Reads pictures. */
import type sharp from "sharp";
import { fromHost } from "../tensor/hostValues.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { loadPeer } from "./peer.ts";

export interface ImageOptions {
  /** 3 by default: red, green and blue; 1 is grey, 4 has an alpha channel. */
  readonly channels?: 1 | 3 | 4;
  /** The picture is brought to this size [height, width]: what is too much of it is cut off at both sides. */
  readonly size?: readonly [height: number, width: number];
}

/**
 * A picture (JPEG, PNG, WebP, AVIF, GIF, TIFF) as float32 [channels, height, width] from 0 to 1, upright.
 * It needs the package `sharp` in the project.
 * @throws Error that names the file if it cannot be read, or says what to install without the package.
 */
export async function loadImage(path: string, options: ImageOptions = {}): Promise<Tensor> {
  const { channels = 3, size } = options;
  const module = (await loadPeer("sharp", "data.loadImage")) as { default: typeof sharp };
  let image = module
    .default(path)
    .autoOrient()
    .toColourspace(channels === 1 ? "b-w" : "srgb");
  if (size) image = image.resize({ height: size[0], width: size[1], fit: "cover" });
  image = channels === 4 ? image.ensureAlpha() : image.removeAlpha();
  const { data, info } = await image
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => {
      throw new Error(`${path}: ${error instanceof Error ? error.message : error}`);
    });
  const pixels = info.width * info.height;
  const planes = new Float32Array(channels * pixels);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < pixels; i++) {
      planes[channel * pixels + i] = (data[i * info.channels + channel] ?? 0) / 255;
    }
  }
  return fromHost(planes, [channels, info.height, info.width], "float32");
}
