/** Edits that mend faults of a loop, found in its syntax: exact ones, and none where several places could be meant. */
import type { CallExpression, ExpressionStatement, NewExpression, Node } from "@babel/types";
import type { Finding } from "../../runtime/protocol/finding.ts";
import type { SourceEdit } from "./findingFixes.ts";
import {
  insertion,
  isLoader,
  isNew,
  isOptimizer,
  lastName,
  propertyName,
  span,
} from "./hyperparameters.ts";
import { Scopes } from "./scope.ts";
import { importOfPackage, lineOf, parseSource } from "./syntax.ts";

/** What to write, in words of the source, and the edit that does. */
export interface LoopFix {
  readonly words: string;
  readonly edit: SourceEdit;
}

/** Losses whose targets are their second argument, and those that take scores. */
const LOSS = /(Loss|^crossEntropy|^binaryCrossEntropy(WithLogits)?|^klDiv|^forward)$/;
const LOSS_OF_SCORES = /^(crossEntropy|binaryCrossEntropyWithLogits|forward)$/;
const PROBABILITIES = /^(softmax|sigmoid)$/;

/**
 * The edit that mends what a finding is about; undefined where there is none that is certain.
 *
 * @throws SyntaxError while the source does not parse
 */
export function loopFix(
  source: string,
  { code, location }: Pick<Finding, "code" | "location">,
): LoopFix | undefined {
  const program = parseSource(source);
  if (!importOfPackage(program)) return undefined;
  const fixes = new Fixes(source, new Scopes(program));
  switch (code) {
    case "loop.zeroGrad":
      return fixes.zeroGrad();
    case "loop.step":
      return fixes.step();
    case "loop.direction":
      return fixes.direction();
    case "loss.arguments":
      return location && fixes.swapped(location.line);
    case "loss.probabilities":
      return location && fixes.scores(location.line);
    case "data.order":
      return fixes.shuffle();
    default:
      return undefined;
  }
}

class Fixes {
  readonly #source: string;
  readonly #scopes: Scopes;

  constructor(source: string, scopes: Scopes) {
    this.#source = source;
    this.#scopes = scopes;
  }

  /** Behind the step it is right for who accumulates gradients, too. */
  zeroGrad(): LoopFix | undefined {
    const { statement, call } = this.#onlyStatement("step", on => this.#isOptimizer(on)) ?? {};
    const name = call && this.#text(objectOf(call));
    return statement && this.#behind(statement, `${name}.zeroGrad();`);
  }

  step(): LoopFix | undefined {
    const { statement } = this.#onlyStatement("backward", () => true) ?? {};
    const [name, ...others] = this.#scopes.nodes.flatMap(node => {
      if (node.type !== "VariableDeclarator" || node.id.type !== "Identifier") return [];
      return this.#isOptimizer(node.id) ? [node.id.name] : [];
    });
    if (!statement || name === undefined || others.length > 0) return undefined;
    return this.#behind(statement, `await ${name}.step();`);
  }

  direction(): LoopFix | undefined {
    const maximized = this.#scopes.nodes.flatMap(node =>
      node.type === "ObjectProperty" &&
      propertyName(node.key, node.computed) === "maximize" &&
      node.value.type === "BooleanLiteral" &&
      node.value.value
        ? [node.value]
        : [],
    );
    const [literal, ...others] = maximized;
    if (others.length > 0) return undefined;
    if (literal) return { words: "maximize: false", edit: { ...span(literal), text: "false" } };
    const { call } = this.#onlyStatement("backward", () => true) ?? {};
    const negated = call && objectOf(call);
    if (negated?.type !== "CallExpression" || lastName(negated.callee) !== "neg") return undefined;
    return this.#inPlace(negated, this.#text(objectOf(negated)));
  }

  swapped(line: number): LoopFix | undefined {
    const call = this.#onlyLoss(line, LOSS);
    const [first, second] = call?.arguments ?? [];
    if (!call || !first || !second) return undefined;
    const [a, b] = [span(first), span(second)];
    const between = this.#source.slice(a.end, b.start);
    const text = this.#text(second) + between + this.#text(first);
    const edit = { start: a.start, end: b.end, text };
    return { words: `${this.#text(call.callee)}(${text})`, edit };
  }

  scores(line: number): LoopFix | undefined {
    const call = this.#onlyLoss(line, LOSS_OF_SCORES);
    const given = call?.arguments[0];
    const binding = given?.type === "Identifier" && this.#scopes.binding(given.name, given);
    const isWhole = binding && binding.kind === "value" && binding.path.length === 0;
    const value = isWhole ? binding.value : given;
    if (value?.type !== "CallExpression") return undefined;
    if (!PROBABILITIES.test(lastName(value.callee) ?? "")) return undefined;
    const scores = objectOf(value);
    // `functional.softmax(scores, 1)` has them among its arguments.
    const isMethod = scores && lastName(scores) !== "functional";
    return this.#inPlace(value, this.#text(isMethod ? scores : value.arguments[0]));
  }

  shuffle(): LoopFix | undefined {
    const [loader, ...others] = this.#scopes.nodes
      .filter(isNew)
      .filter(node => isLoader(node) && !isShuffled(node));
    if (!loader || others.length > 0) return undefined;
    const [first, options] = loader.arguments;
    const given = optionOf(options, "shuffle");
    const words = "shuffle: true";
    if (given) return { words, edit: { ...span(given), text: "true" } };
    const insert = first && insertion(first, options, options, "shuffle");
    if (!insert) return undefined;
    const { at, before, after } = insert;
    return { words, edit: { start: at, end: at, text: `${before}true${after}` } };
  }

  /** The only call of a method, where it is a statement of its own. */
  #onlyStatement(method: string, isMeant: (on: Node | undefined) => boolean) {
    const isCall = (node: Node): node is CallExpression =>
      node.type === "CallExpression" && lastName(node.callee) === method && isMeant(objectOf(node));
    const [call, ...others] = this.#scopes.nodes.filter(isCall);
    if (!call || others.length > 0) return undefined;
    const statement = this.#scopes.nodes.find(
      (node): node is ExpressionStatement =>
        node.type === "ExpressionStatement" && withoutAwait(node.expression) === call,
    );
    return statement && { statement, call };
  }

  #onlyLoss(line: number, name: RegExp): CallExpression | undefined {
    const [call, ...others] = this.#scopes.nodes.flatMap(node =>
      node.type === "CallExpression" &&
      lineOf(node) === line &&
      node.arguments.length >= 2 &&
      name.test(lastName(node.callee) ?? "")
        ? [node]
        : [],
    );
    return others.length > 0 ? undefined : call;
  }

  #isOptimizer(node: Node | undefined): boolean {
    if (node?.type !== "Identifier") return false;
    const binding = this.#scopes.binding(node.name, node);
    if (binding?.kind !== "value" || binding.path.length > 0) return false;
    return isNew(binding.value) && isOptimizer(binding.value);
  }

  #behind(statement: Node, text: string): LoopFix {
    const { start, end } = span(statement);
    const line = this.#source.slice(this.#source.lastIndexOf("\n", start) + 1, start);
    const indentation = /^\s*/.exec(line)?.[0] ?? "";
    return { words: text, edit: { start: end, end, text: `\n${indentation}${text}` } };
  }

  #inPlace(node: Node, text: string): LoopFix | undefined {
    return text ? { words: text, edit: { ...span(node), text } } : undefined;
  }

  #text(node: Node | undefined): string {
    if (!node) return "";
    const { start, end } = span(node);
    return this.#source.slice(start, end);
  }
}

function objectOf({ callee }: CallExpression): Node | undefined {
  return callee.type === "MemberExpression" ? callee.object : undefined;
}

function withoutAwait(node: Node): Node {
  return node.type === "AwaitExpression" ? node.argument : node;
}

/** Whether a loader mixes its samples, or says in another way in which order they come. */
function isShuffled({ arguments: [, options] }: NewExpression): boolean {
  const { properties } = options?.type === "ObjectExpression" ? options : { properties: [] };
  if (properties.some(({ type }) => type === "SpreadElement")) return true;
  const names = ["sampler", "batchSampler"];
  if (names.some(name => optionOf(options, name))) return true;
  const given = optionOf(options, "shuffle");
  return given !== undefined && !(given.type === "BooleanLiteral" && !given.value);
}

/** The value of an option that stands in the call itself. */
function optionOf(options: Node | undefined, name: string): Node | undefined {
  if (options?.type !== "ObjectExpression") return undefined;
  for (const property of options.properties) {
    if (property.type !== "ObjectProperty") continue;
    if (propertyName(property.key, property.computed) === name) return property.value;
  }
  return undefined;
}
