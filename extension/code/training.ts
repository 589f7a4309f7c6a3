/** Finds the training loop of a script: syntax only, so that it answers while one types. */
import type { NewExpression, Node } from "@babel/types";
import { children, importOfPackage, lineOf, parseSource } from "./syntax.ts";

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
  /** Constructors of modules of `nn`, in the order of the source. */
  readonly layers: readonly Layer[];
}

/** A constructor such as `new nn.Linear(64, 128)`. */
export interface Layer {
  readonly line: number;
  /**
   * Names under which the module's parameters are known, as far as syntax tells: the property that
   * it is given to, its place in a `Sequential`. Modules around it may put more in front.
   */
  readonly path: readonly string[];
}

/** Nothing that is looked for is in a statement without one of these words; most of a long file is not. */
const TRAINING_WORD = /\b(?:backward|step|nn)\b/;

/** Holds its arguments as modules 0, 1, 2, … */
const SEQUENTIAL = "Sequential";

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
  const program = parseSource(source);
  const imported = importOfPackage(program);
  if (!imported) return undefined;

  const statements = program.body.filter(({ start, end }) =>
    TRAINING_WORD.test(source.slice(start ?? 0, end ?? undefined)),
  );
  const calls: TrainingCall[] = [];
  for (const statement of statements) collectCalls(statement, undefined, calls);
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
    layers: statements.flatMap(statement => [...layersBelow(statement, [])]),
  };
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

/** The modules that are made below a node, whose own place in a module is `path`. */
function* layersBelow(node: Node, path: readonly string[]): Generator<Layer> {
  if (node.type === "NewExpression") {
    const name = className(node);
    if (name === SEQUENTIAL) {
      for (const [i, module] of node.arguments.entries()) {
        yield* layersBelow(module, [...path, String(i)]);
      }
      return;
    }
    if (name) yield { line: lineOf(node), path };
  }
  const property = assignedProperty(node);
  const below = property ? [property] : FUNCTIONS.has(node.type) ? [] : path;
  for (const child of children(node)) yield* layersBelow(child, below);
}

const FUNCTIONS: ReadonlySet<string> = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
  "ClassMethod",
  "ClassBody",
]);

/** `Linear` of `new nn.Linear(…)`; undefined for losses and what is not in a namespace `nn`. */
function className({ callee }: NewExpression): string | undefined {
  if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return undefined;
  const { object } = callee;
  const namespace = object.type === "MemberExpression" ? object.property : object;
  const isModule = namespace.type === "Identifier" && namespace.name === "nn";
  const { name } = callee.property;
  return isModule && !name.endsWith("Loss") ? name : undefined;
}

/** `fc` of `this.fc = …` and of a class property `fc = …`. */
function assignedProperty(node: Node): string | undefined {
  const target =
    node.type === "ClassProperty"
      ? node.key
      : node.type === "AssignmentExpression" && node.left.type === "MemberExpression"
        ? node.left.property
        : undefined;
  return target?.type === "Identifier" ? target.name : undefined;
}
