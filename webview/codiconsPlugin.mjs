import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import subsetFont from "subset-font";

const WEBVIEW = fileURLToPath(new URL(".", import.meta.url));
const RULE = /^\.codicon-([\w-]+):before \{ content: "\\(\w+)" \}\n/gm;

/**
 * The characters of the icons that the page can show: those whose names stand in its source as words of
 * a string, and those that its styles give by their code.
 *
 * @param {string} css the styles of all icons
 * @returns {Promise<{names: Set<string>, characters: Set<string>}>} characters as hexadecimal codes
 */
async function iconsInUse(css) {
  const files = await readdir(WEBVIEW, { recursive: true });
  const sources = files.filter(file => /\.(ts|css)$/.test(file));
  const text = (
    await Promise.all(sources.map(file => readFile(`${WEBVIEW}${file}`, "utf8")))
  ).join();
  const words = new Set(
    [...text.matchAll(/"([\w -]+)"/g)].flatMap(([, content = ""]) => content.split(" ")),
  );
  const used = [...css.matchAll(RULE)].filter(([, name = ""]) => words.has(name));
  const given = [...text.matchAll(/content: "\\(\w+)"/g)].map(([, code = ""]) => code);
  return {
    names: new Set(used.map(([, name = ""]) => name)),
    characters: new Set([...used.map(([, , code = ""]) => code), ...given]),
  };
}

/** @param {string} path of the font beside the styles */
const stylesBeside = path => path.replace(/\.ttf$/, ".css");

/**
 * VS Code's icons without those that the page never shows: they are six hundred.
 *
 * @type {import("esbuild").Plugin}
 */
export const codicons = {
  name: "codicons",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]codicon\.css$/ }, async ({ path }) => {
      const css = await readFile(path, "utf8");
      const { names } = await iconsInUse(css);
      const kept = css.replace(RULE, (rule, name) => (names.has(name) ? rule : ""));
      return { contents: kept, loader: "css" };
    });
    onLoad({ filter: /[\\/]codicon\.ttf$/ }, async ({ path }) => {
      const { characters } = await iconsInUse(await readFile(stylesBeside(path), "utf8"));
      const text = [...characters]
        .map(code => String.fromCodePoint(Number.parseInt(code, 16)))
        .join("");
      const contents = await subsetFont(await readFile(path), text, { targetFormat: "truetype" });
      return { contents, loader: "file" };
    });
  },
};
