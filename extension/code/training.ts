/** Finds the training loop of a script: syntax only, so that it answers while one types. */
import { parse } from "@babel/parser";
import type { Node, Statement } from "@babel/types";

/** Where a file trains. Lines count from 1. */
export interface Training {
  /** The line that carries the lens: the loop, or else the import. */
  readonly lensLine: number;
  /** The outermost loop that trains; missing where the loop is in another file. */
  readonly loopLine?: number;
  /** Calls of `.backward()`, in the order of the source. */
  readonly backwardLines: readonly number[];
  /** Calls of `.step()`, in the order of the source. */
  readonly stepLines: readonly number[];
}

const PACKAGE = "stepscope";

const LOOPS: ReadonlySet<string> = new Set([
  "ForStatement",
  "ForOfStatement",
  "ForInStatement",
  "WhileStatement",
  "DoWhileStatement",
]);

/** A call of a method that makes a loop a training loop. */
interface TrainingCall {
  readonly method: "backward" | "step";
  readonly line: number;
  /** Line of the outermost loop around the call. */
  readonly loopLine: number | undefined;
}

/**
 * Finds the training loop in TypeScript or JavaScript source that imports `stepscope`.
 *
 * The loop is the first outermost one with calls of both `.backward()` and `.step()`, else the first
 * with `.backward()` (an update written by hand). Without a loop the lens stands at the import.
 *
 * @returns undefined for a file that does not use stepscope
 * @throws SyntaxError while the source does not parse
 */
export function findTraining(source: string): Training | undefined {
  if (!source.includes(PACKAGE)) return undefined;
  const { program } = parse(source, {
    sourceType: "module",
    allowReturnOutsideFunction: true,
    errorRecovery: true,
    attachComment: false,
    plugins: ["typescript", "decorators-legacy", "explicitResourceManagement"],
  });
  const imported = program.body.find(importsPackage);
  if (!imported) return undefined;

  const calls: TrainingCall[] = [];
  collectCalls(program, undefined, calls);
  const steps = calls.filter(call => call.method === "step");
  const backwards = calls.filter(call => call.method === "backward");
  const looped = backwards.filter(call => call.loopLine !== undefined);
  const trained = looped.find(call => steps.some(step => step.loopLine === call.loopLine));
  const loopLine = (trained ?? looped[0])?.loopLine;
  return {
    lensLine: loopLine ?? lineOf(imported),
    ...(loopLine !== undefined && { loopLine }),
    backwardLines: backwards.map(call => call.line),
    stepLines: steps.map(call => call.line),
  };
}

/** An import of values: one of types alone is erased, and the file trains nothing by itself. */
function importsPackage(statement: Statement): boolean {
  if (statement.type !== "ImportDeclaration" || statement.source.value !== PACKAGE) return false;
  if (statement.importKind === "type") return false;
  const { specifiers } = statement;
  return (
    specifiers.length === 0 ||
    specifiers.some(s => s.type !== "ImportSpecifier" || s.importKind !== "type")
  );
}

function collectCalls(node: Node, loopLine: number | undefined, calls: TrainingCall[]): void {
  const outermost = loopLine ?? (LOOPS.has(node.type) ? lineOf(node) : undefined);
  const method = calledMethod(node);
  if (method) calls.push({ ...method, loopLine: outermost });
  for (const child of children(node)) collectCalls(child, outermost, calls);
}

function calledMethod(node: Node): Pick<TrainingCall, "method" | "line"> | undefined {
  if (node.type !== "CallExpression" && node.type !== "OptionalCallExpression") return undefined;
  const { callee } = node;
  if (callee.type !== "MemberExpression" && callee.type !== "OptionalMemberExpression") {
    return undefined;
  }
  const { property } = callee;
  if (callee.computed || property.type !== "Identifier") return undefined;
  if (property.name !== "backward" && property.name !== "step") return undefined;
  return { method: property.name, line: lineOf(property) };
}

/** The nodes directly below a node, in the order of the source. */
function* children(node: Node): Generator<Node> {
  for (const value of Object.values(node)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (isNode(item)) yield item;
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function lineOf(node: Node): number {
  return node.loc?.start.line ?? 1;
}
