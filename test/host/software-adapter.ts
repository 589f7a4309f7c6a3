/**
 * Puts the software adapter (SwiftShader and the Vulkan loader) into dist/swiftshader, where the
 * engine looks for it on machines without a GPU. Run it as a script before tests and builds.
 */
import { join } from "node:path";
import { chromiumArchive, installOnce, unpackTar } from "./archive.ts";

const FILES = ["libvulkan.so.1", "libvk_swiftshader.so", "vk_swiftshader_icd.json"];
const FOLDER = join(import.meta.dirname, "../../dist/swiftshader");

if (process.platform === "linux" && process.arch === "x64") {
  await installOnce(FOLDER, folder =>
    unpackTar(chromiumArchive("swiftshader.tar.br"), folder, FILES),
  );
} else {
  console.log(`No software adapter is packaged for ${process.platform}-${process.arch}.`);
}
