/** Collects the licences of all parts that are shipped. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Shipped beside the bundles: Dawn and the compiler of training scripts. */
const SHIPPED = ["webgpu", "esbuild"];

const SWIFTSHADER = `SwiftShader and the Vulkan loader (Linux x64 only)
https://github.com/google/swiftshader, https://github.com/KhronosGroup/Vulkan-Loader

Licensed under the Apache License, Version 2.0. You may obtain a copy of the license at
https://www.apache.org/licenses/LICENSE-2.0`;

/**
 * The licences of the packages in bundles, and of those that are shipped as they are, by their names;
 * packages with the same text stand together before it.
 *
 * @param {readonly string[]} inputs paths of the files in the bundles, relative to the root
 * @returns {string}
 * @throws {Error} where a package comes without a licence
 */
export function collectLicences(inputs) {
  const bundled = inputs.flatMap(input => packageOf(input) ?? []);
  const packages = [...new Set([...bundled, ...SHIPPED])].sort();
  const byText = Map.groupBy(packages.map(licenceOf), ({ text }) => text);
  const parts = [...byText].map(([text, shared]) =>
    [...shared.flatMap(({ title, home }) => [title, home].filter(Boolean)), "", text].join("\n"),
  );
  const separator = `\n\n${"-".repeat(80)}\n\n`;
  return `${[...parts, SWIFTSHADER].join(separator)}\n`;
}

/** The package that a file belongs to; undefined for our own. */
function packageOf(input) {
  const [, path] = /.*node_modules\/(.+)/.exec(input) ?? [];
  const [scope, name] = path?.split("/") ?? [];
  return scope?.startsWith("@") ? `${scope}/${name}` : scope;
}

function licenceOf(name) {
  const folder = join("node_modules", name);
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter(file => /^(licen[cs]e|copying|notice)/i.test(file));
  const texts = files.sort().map(file => readFileSync(join(folder, file), "utf8").trim());
  const text = texts.length > 0 ? texts.join("\n\n") : manifest.license;
  if (!text) throw new Error(`The package ${name} has no licence.`);
  const home = manifest.homepage ?? manifest.repository?.url ?? "";
  return { title: `${name} ${manifest.version} (${manifest.license})`, home, text };
}
