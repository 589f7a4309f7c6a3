/**
 * `npm run l10n`: collects the texts that the extension shows, in the order of the alphabet, into
 * l10n/bundle.l10n.json, from which translations are made.
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@babel/parser";

const ROOT = join(import.meta.dirname, "..");
export const BUNDLE = join(ROOT, "l10n/bundle.l10n.json");

interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The texts in calls of `l10n.t`. Throws where a text is not a literal: nobody could collect it. */
export function collectTexts(): string[] {
  const texts = new Set<string>();
  for (const file of globSync("extension/**/*.ts", { cwd: ROOT })) {
    const source = readFileSync(join(ROOT, file), "utf8");
    visit(parse(source, { sourceType: "module", plugins: ["typescript"] }).program, node => {
      if (!isTranslation(node)) return;
      const [text] = node.arguments as Node[];
      if (text?.type !== "StringLiteral") throw new Error(`${file}: l10n.t of what is no literal`);
      texts.add(String(text.value));
    });
  }
  return [...texts].sort();
}

/** What the bundle holds: each text under itself. */
export function bundleText(texts: readonly string[]): string {
  return `${JSON.stringify(Object.fromEntries(texts.map(text => [text, text])), null, 2)}\n`;
}

function isTranslation({ type, callee }: Node): boolean {
  if (type !== "CallExpression" || !isNode(callee) || callee.type !== "MemberExpression") {
    return false;
  }
  const { object, property } = callee;
  if (!isNode(object) || !isNode(property)) return false;
  const owner = object.type === "MemberExpression" ? object.property : object;
  return isNode(owner) && owner.name === "l10n" && property.name === "t";
}

function visit(value: unknown, act: (node: Node) => void): void {
  if (Array.isArray(value)) for (const each of value) visit(each, act);
  else if (isNode(value)) {
    act(value);
    for (const child of Object.values(value)) visit(child, act);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value;
}

if (import.meta.main) {
  mkdirSync(join(ROOT, "l10n"), { recursive: true });
  writeFileSync(BUNDLE, bundleText(collectTexts()));
}
