/** Who a name is, as far as syntax tells: declarations by the scope that holds them. */
import type {
  Expression,
  Function as FunctionNode,
  Node,
  PatternLike,
  Program,
} from "@babel/types";
import { children } from "./syntax.ts";

/** What a name stands for: a value, or a part of one, or the parameter of a function. */
export type Binding =
  | {
      readonly kind: "value";
      readonly value: Expression;
      /** Properties that lead from the value to what is named. */
      readonly path: readonly string[];
      /** What a pattern gives where the value has nothing there. */
      readonly fallback: Expression | undefined;
    }
  | {
      readonly kind: "parameter";
      readonly function: Node;
      readonly index: number;
      readonly path: readonly string[];
      readonly fallback: Expression | undefined;
    };

interface Scope {
  readonly parent: Scope | undefined;
  readonly bindings: Map<string, Binding>;
}

const SCOPES: ReadonlySet<string> = new Set([
  "Program",
  "BlockStatement",
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
  "ClassMethod",
  "ObjectMethod",
  "ForStatement",
  "ForOfStatement",
  "ForInStatement",
]);

/** The names of a program. */
export class Scopes {
  /** Every node of the program, in the order of the source. */
  readonly nodes: Node[] = [];
  readonly #scopes = new Map<Node, Scope>();
  /** Names that are assigned to after their declaration: nobody knows when. */
  readonly #assigned = new Set<string>();

  constructor(program: Program) {
    this.#visit(program, undefined);
  }

  /** What a name means where `at` uses it; undefined for what is imported, assigned or global. */
  binding(name: string, at: Node): Binding | undefined {
    if (this.#assigned.has(name)) return undefined;
    for (let scope = this.#scopes.get(at); scope; scope = scope.parent) {
      const found = scope.bindings.get(name);
      if (found) return found;
    }
    return undefined;
  }

  /** The arguments of the only call of a function; undefined where there are more calls, or none. */
  onlyCall(called: Node): readonly Node[] | undefined {
    const name = this.#functionName(called);
    if (!name) return undefined;
    const calls = this.nodes.flatMap(node =>
      node.type === "CallExpression" &&
      node.callee.type === "Identifier" &&
      node.callee.name === name
        ? [node]
        : [],
    );
    return calls.length === 1 ? calls[0]?.arguments : undefined;
  }

  #functionName(called: Node): string | undefined {
    if (called.type === "FunctionDeclaration") return called.id?.name;
    for (const node of this.nodes) {
      if (node.type !== "VariableDeclarator" || node.init !== called) continue;
      return node.id.type === "Identifier" ? node.id.name : undefined;
    }
    return undefined;
  }

  #visit(node: Node, outer: Scope | undefined): void {
    const scope = SCOPES.has(node.type) ? { parent: outer, bindings: new Map() } : outer;
    if (scope) this.#scopes.set(node, scope);
    this.nodes.push(node);
    if (scope) this.#declare(node, scope);
    for (const child of children(node)) this.#visit(child, scope);
  }

  #declare(node: Node, scope: Scope): void {
    if (node.type === "VariableDeclarator" && node.init) {
      const value = node.init;
      for (const { name, path, fallback } of names(node.id)) {
        scope.bindings.set(name, { kind: "value", value, path, fallback });
      }
    }
    if (node.type === "AssignmentExpression" && node.left.type === "Identifier") {
      this.#assigned.add(node.left.name);
    }
    if (isFunction(node)) {
      for (const [index, parameter] of node.params.entries()) {
        for (const { name, path, fallback } of names(parameter)) {
          scope.bindings.set(name, { kind: "parameter", function: node, index, path, fallback });
        }
      }
    }
  }
}

interface Named {
  readonly name: string;
  readonly path: readonly string[];
  readonly fallback: Expression | undefined;
}

/** The names that a pattern declares. */
function* names(
  pattern: Node,
  path: readonly string[] = [],
  fallback?: Expression,
): Generator<Named> {
  switch (pattern.type) {
    case "Identifier":
      yield { name: pattern.name, path, fallback };
      break;
    case "AssignmentPattern":
      yield* names(pattern.left, path, pattern.right);
      break;
    case "ObjectPattern":
      for (const property of pattern.properties) {
        if (property.type !== "ObjectProperty" || property.key.type !== "Identifier") continue;
        yield* names(property.value as PatternLike, [...path, property.key.name]);
      }
      break;
    case "ArrayPattern":
      for (const [i, element] of pattern.elements.entries()) {
        if (element) yield* names(element, [...path, String(i)]);
      }
      break;
  }
}

function isFunction(node: Node): node is FunctionNode {
  return "params" in node && Array.isArray(node.params) && "body" in node;
}
