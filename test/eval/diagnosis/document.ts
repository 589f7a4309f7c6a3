/** The page that says how often the diagnosis is right. */
import { readFileSync, writeFileSync } from "node:fs";

const DOCUMENT = new URL("../../../docs/diagnosis.md", import.meta.url);

/** Writes what a command has found between its two marks. */
export function writeSection(command: string, text: string): void {
  const [begin, end] = [`<!-- ${command} -->`, `<!-- /${command} -->`];
  const [before = "", rest = ""] = readFileSync(DOCUMENT, "utf8").split(begin);
  const [, after = ""] = rest.split(end);
  writeFileSync(DOCUMENT, `${before}${begin}\n${text}\n${end}${after}`);
}
