/** The syntax tree of a document, as far as finding things in it needs. */
import { parse } from "@babel/parser";
import type { Expression, Node, Program, Statement } from "@babel/types";

const PACKAGE = "stepscope";

/**
 * Parses a TypeScript or JavaScript module, or a CommonJS file, and recovers from errors that leave
 * the structure whole.
 *
 * @throws SyntaxError while the source does not parse
 */
export function parseSource(source: string): Program {
  return parse(source, {
    sourceType: "unambiguous",
    allowReturnOutsideFunction: true,
    allowAwaitOutsideFunction: true,
    errorRecovery: true,
    attachComment: false,
    plugins: ["typescript", "decorators-legacy", "explicitResourceManagement"],
  }).program;
}

/** The statement by which a file uses stepscope; undefined where none does. */
export function importOfPackage(program: Program): Statement | undefined {
  return program.body.find(statement => importsValues(statement) || requires(statement));
}

/** An import of values: one of types alone is erased, and the file trains nothing by itself. */
function importsValues(statement: Statement): boolean {
  if (statement.type === "TSImportEqualsDeclaration") {
    const { moduleReference, importKind } = statement;
    if (moduleReference.type !== "TSExternalModuleReference" || importKind === "type") return false;
    return moduleReference.expression.value === PACKAGE;
  }
  if (statement.type !== "ImportDeclaration" || statement.source.value !== PACKAGE) return false;
  if (statement.importKind === "type") return false;
  const { specifiers } = statement;
  return (
    specifiers.length === 0 ||
    specifiers.some(s => s.type !== "ImportSpecifier" || s.importKind !== "type")
  );
}

/** `const { nn } = require("stepscope")`. */
function requires(statement: Statement): boolean {
  if (statement.type !== "VariableDeclaration") return false;
  return statement.declarations.some(({ init }) => isRequire(init));
}

function isRequire(value: Expression | null | undefined): boolean {
  if (value?.type === "MemberExpression" && value.object.type !== "Super") {
    return isRequire(value.object);
  }
  if (value?.type !== "CallExpression" || value.callee.type !== "Identifier") return false;
  const [module] = value.arguments;
  return (
    value.callee.name === "require" && module?.type === "StringLiteral" && module.value === PACKAGE
  );
}

/** The nodes directly below a node, in the order of the source. */
export function children(node: Node): Node[] {
  const found: Node[] = [];
  // Not `Object.values`, and no generator: this runs for each node of a file, while one types.
  for (const key in node) {
    const value: unknown = node[key as keyof Node];
    if (typeof value !== "object" || value === null) continue;
    if (!Array.isArray(value)) {
      if (isNode(value)) found.push(value);
      continue;
    }
    for (const item of value) if (isNode(item)) found.push(item);
  }
  return found;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

/** The line of a node, counted from 1. */
export function lineOf(node: Node): number {
  return node.loc?.start.line ?? 1;
}
