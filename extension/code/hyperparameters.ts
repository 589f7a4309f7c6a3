/** Finds the text that sets a hyperparameter: through variables, constants and option objects. */
import type { CallExpression, NewExpression, Node, ObjectExpression } from "@babel/types";
import type { ClipLimit, LiveOption } from "../../runtime/protocol/control.ts";
import type { Hyperparameter } from "../../runtime/protocol/finding.ts";
import { type Binding, Scopes } from "./scope.ts";
import { importOfPackage, parseSource } from "./syntax.ts";

/** The place of a text, as offsets from the start of the source; `end` is exclusive. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/** What sets a hyperparameter. */
export interface Setting extends TextSpan {
  /**
   * `literal`: a number, or an array of numbers, that can be replaced. `expression`: something that
   * is computed or comes from elsewhere. `call`: the option is not given; the span is that of the
   * constructor, or of the call.
   */
  readonly kind: "literal" | "expression" | "call";
  /** Value of a literal that is one number. */
  readonly value?: number;
  /** Places of the numbers of a literal that is an array. */
  readonly elements?: readonly TextSpan[];
  /** Where, and in what words around it, an option that is not given can be put. */
  readonly insert?: Insertion;
}

interface Insertion {
  readonly at: number;
  readonly before: string;
  readonly after: string;
}

/** Ends chains of names that lead to one another. */
const MOST_STEPS = 32;

/**
 * Finds what sets a hyperparameter in a file that uses stepscope.
 *
 * @param group index of the parameter group whose option is meant
 * @returns undefined where the file makes no optimizer (loader, call of a clip) at all
 * @throws SyntaxError while the source does not parse
 */
export function findSetting(source: string, name: Hyperparameter, group = 0): Setting | undefined {
  const program = parseSource(source);
  if (!importOfPackage(program)) return undefined;
  return new Finder(new Scopes(program)).find(name, group);
}

/** A parameter group as a run knows it: of which optimizer, and which of its groups. */
export interface GroupOfOptimizer {
  /** Name of its class. */
  readonly optimizer: string;
  readonly group: number;
  /** How many groups optimizers of this class have in the run. */
  readonly groups: number;
}

/**
 * Finds what sets an option of one parameter group, and of no other, or the limit of a clip.
 *
 * @returns `several` where the file has more than one place that it could be, undefined where it has none
 * @throws SyntaxError while the source does not parse
 */
export function findOption(
  source: string,
  name: LiveOption,
  group: GroupOfOptimizer,
): Setting | "several" | undefined {
  const program = parseSource(source);
  if (!importOfPackage(program)) return undefined;
  const finder = new Finder(new Scopes(program));
  if (name === "maxNorm" || name === "clipValue") return finder.onlyClip(name);
  return finder.ofGroup(OPTION_NAMES[name] ?? name, group);
}

/** Names of options in scripts, where they are others. */
const OPTION_NAMES: Partial<Readonly<Record<LiveOption, string>>> = {
  lrFactor: "lr",
  beta1: "betas",
  beta2: "betas",
};

const CLIPS: Readonly<Record<ClipLimit, RegExp>> = {
  maxNorm: /^clipGradNorm_?$/,
  clipValue: /^clipGradValue_?$/,
};

type Call = NewExpression | CallExpression;

class Finder {
  readonly #scopes: Scopes;
  #steps = 0;

  constructor(scopes: Scopes) {
    this.#scopes = scopes;
  }

  find(name: Hyperparameter, group: number): Setting | undefined {
    if (name === "clip") return this.#clip();
    const isWanted = name === "batchSize" ? isLoader : isOptimizer;
    const calls = this.#scopes.nodes.filter(isNew).filter(isWanted);
    const settings = calls.map(call => this.#option(call, name, group));
    // Of several optimizers the first that says something.
    return settings.find(setting => setting.kind === "literal") ?? settings[0];
  }

  /** The limit of the only call of a clip. */
  onlyClip(name: ClipLimit): Setting | "several" | undefined {
    const [call, ...others] = this.#clips(CLIPS[name]);
    return others.length > 0 ? "several" : call && this.#limit(call);
  }

  ofGroup(
    name: string,
    { optimizer, group, groups }: GroupOfOptimizer,
  ): Setting | "several" | undefined {
    const [call, ...others] = this.#scopes.nodes
      .filter(isNew)
      .filter(node => isOptimizer(node) && lastName(node.callee) === optimizer);
    if (!call) return undefined;
    if (others.length > 0) return "several";
    if (groups === 1) return this.#option(call, name, 0);
    const list = call.arguments[0] && this.#resolve(call.arguments[0]);
    if (list?.type !== "ArrayExpression" || list.elements.length !== groups) return "several";
    const entry = list.elements[group] && this.#resolve(list.elements[group]);
    if (entry?.type !== "ObjectExpression") return "several";
    const value = this.#property(entry, name);
    if (value) return this.#setting(value);
    return { kind: "call", ...span(call.callee), insert: insertionInto(entry, name) };
  }

  #clip(): Setting | undefined {
    const [call] = this.#clips(/^clipGrad(Norm|Value)_?$/);
    return call && this.#limit(call);
  }

  #clips(name: RegExp): CallExpression[] {
    return this.#scopes.nodes.flatMap(node =>
      node.type === "CallExpression" && name.test(lastName(node.callee) ?? "") ? [node] : [],
    );
  }

  #limit({ callee, arguments: [, limit] }: CallExpression): Setting {
    return limit ? this.#setting(limit) : { kind: "call", ...span(callee) };
  }

  #option(call: NewExpression, name: string, group: number): Setting {
    const [first, options] = call.arguments;
    const ofGroup = first && this.#property(this.#property(first, String(group)), name);
    const value = ofGroup ?? (options && this.#property(options, name));
    if (value) return this.#setting(value);
    const insert = first && insertion(first, options && this.#resolve(options), options, name);
    return { kind: "call", ...span(call.callee), ...(insert && { insert }) };
  }

  /** The literal behind an expression, else the expression itself. */
  #setting(node: Node): Setting {
    const resolved = this.#resolve(node);
    const value = resolved && numberOf(resolved);
    if (resolved && value !== undefined) {
      const { start, end } = span(resolved);
      // The number in a text stands between its quotes.
      const quote = resolved.type === "StringLiteral" ? 1 : 0;
      return { kind: "literal", start: start + quote, end: end - quote, value };
    }
    if (resolved?.type === "ArrayExpression" && resolved.elements.every(isNumber)) {
      const elements = resolved.elements.flatMap(element => (element ? [span(element)] : []));
      return { kind: "literal", ...span(resolved), elements };
    }
    return { kind: "expression", ...span(node) };
  }

  /** What an expression comes from: a literal, an object, an array; undefined where nobody knows. */
  #resolve(node: Node): Node | undefined {
    this.#steps += 1;
    if (this.#steps > MOST_STEPS) return undefined;
    try {
      return this.#follow(node);
    } finally {
      this.#steps -= 1;
    }
  }

  #follow(node: Node): Node | undefined {
    switch (node.type) {
      case "ParenthesizedExpression":
      case "TSAsExpression":
      case "TSSatisfiesExpression":
      case "TSNonNullExpression":
        return this.#resolve(node.expression);
      case "Identifier":
        return this.#named(this.#scopes.binding(node.name, node));
      case "MemberExpression":
      case "OptionalMemberExpression": {
        const key = propertyName(node.property, node.computed);
        const found = key === undefined ? undefined : this.#property(node.object, key);
        return found && this.#resolve(found);
      }
      case "LogicalExpression":
        if (node.operator === "&&") return undefined;
        return this.#resolve(node.left) ?? this.#resolve(node.right);
      case "CallExpression":
        return this.#converted(node);
      case "UnaryExpression":
        if (node.operator === "+") return this.#resolve(node.argument);
        return numberOf(node) === undefined ? undefined : node;
      case "NumericLiteral":
      case "StringLiteral":
      case "ArrayExpression":
      case "ObjectExpression":
        return node;
      default:
        return undefined;
    }
  }

  /** `Number(text)`, `parseFloat(text)`, `Object.freeze(options)`, and the values of `parseArgs`. */
  #converted({ callee, arguments: [argument] }: CallExpression): Node | undefined {
    const name =
      callee.type === "MemberExpression" && callee.property.type === "Identifier"
        ? callee.property.name
        : callee.type === "Identifier"
          ? callee.name
          : "";
    if (!argument || !["Number", "parseFloat", "freeze"].includes(name)) return undefined;
    return this.#resolve(argument);
  }

  #named(binding: Binding | undefined): Node | undefined {
    if (!binding) return undefined;
    const value =
      binding.kind === "value"
        ? binding.value
        : this.#scopes.onlyCall(binding.function)?.[binding.index];
    const part = value && this.#part(value, binding.path);
    const found = part && this.#resolve(part);
    return found ?? (binding.fallback && this.#resolve(binding.fallback));
  }

  #part(value: Node, path: readonly string[]): Node | undefined {
    return path.reduce<Node | undefined>((node, key) => node && this.#property(node, key), value);
  }

  /** The value that an object or an array has under a key, before it is resolved itself. */
  #property(node: Node | undefined, key: string): Node | undefined {
    if (!node) return undefined;
    const options = this.#commandLine(node, key);
    if (options) return options;
    const object = this.#resolve(node);
    if (object?.type === "ArrayExpression") return object.elements[Number(key)] ?? undefined;
    if (object?.type !== "ObjectExpression") return undefined;
    // What is written later wins.
    for (const property of object.properties.toReversed()) {
      if (property.type === "SpreadElement") {
        const spread = this.#property(property.argument, key);
        if (spread) return spread;
      } else if (property.type === "ObjectProperty") {
        if (propertyName(property.key, property.computed) === key) return property.value;
      }
    }
    return undefined;
  }

  /** The default of an option of `parseArgs`, where `node` is its `values`. */
  #commandLine(node: Node, key: string): Node | undefined {
    const call = this.#values(node);
    const [config] = call?.arguments ?? [];
    const option = config && this.#property(this.#property(config, "options"), key);
    return option && this.#property(option, "default");
  }

  /** The call of `parseArgs` that `node` is the `values` of. */
  #values(node: Node): CallExpression | undefined {
    if (node.type === "Identifier") {
      const binding = this.#scopes.binding(node.name, node);
      if (binding?.kind !== "value") return undefined;
      if (binding.path.length === 0) return this.#values(binding.value);
      return binding.path.join(".") === "values" ? this.#parseArgs(binding.value) : undefined;
    }
    if (node.type !== "MemberExpression") return undefined;
    const isValues = propertyName(node.property, node.computed) === "values";
    return isValues ? this.#parseArgs(node.object) : undefined;
  }

  #parseArgs(node: Node): CallExpression | undefined {
    if (node.type === "CallExpression") {
      const { callee } = node;
      const name =
        callee.type === "MemberExpression" && callee.property.type === "Identifier"
          ? callee.property.name
          : callee.type === "Identifier" && callee.name;
      return name === "parseArgs" ? node : undefined;
    }
    if (node.type !== "Identifier") return undefined;
    const binding = this.#scopes.binding(node.name, node);
    const isWhole = binding?.kind === "value" && binding.path.length === 0;
    return isWhole ? this.#parseArgs(binding.value) : undefined;
  }
}

/** Where an option can be added to a constructor; undefined where its options come from elsewhere. */
export function insertion(
  first: Node,
  resolved: Node | undefined,
  options: Node | undefined,
  name: string,
): Insertion | undefined {
  if (!options) return { at: span(first).end, before: `, { ${name}: `, after: " }" };
  return resolved?.type === "ObjectExpression" ? insertionInto(resolved, name) : undefined;
}

function insertionInto(object: ObjectExpression, name: string): Insertion {
  const isEmpty = object.properties.length === 0;
  return { at: span(object).start + 1, before: ` ${name}: `, after: isEmpty ? " " : "," };
}

export function isNew(node: Node): node is NewExpression {
  return node.type === "NewExpression";
}

/** `new optim.AdamW(…)`, `new torch.optim.SGD(…)`, and `new Adam(…)` of an optimizer's own name. */
export function isOptimizer({ callee }: Call): boolean {
  if (callee.type === "Identifier")
    return /^(SGD|Adam\w*|NAdam|RAdam|Adagrad|RMSprop|Lion|Muon)$/.test(callee.name);
  return callee.type === "MemberExpression" && lastName(callee.object) === "optim";
}

export function isLoader({ callee }: Call): boolean {
  return lastName(callee) === "DataLoader";
}

export function lastName(node: Node): string | undefined {
  if (node.type === "Identifier") return node.name;
  if (node.type !== "MemberExpression" || node.property.type !== "Identifier") return undefined;
  return node.property.name;
}

export function propertyName(key: Node, computed: boolean): string | undefined {
  if (key.type === "StringLiteral") return key.value;
  if (key.type === "NumericLiteral") return String(key.value);
  return key.type === "Identifier" && !computed ? key.name : undefined;
}

/** The number that a literal stands for, a text of a number included. */
function numberOf(node: Node): number | undefined {
  if (node.type === "NumericLiteral") return node.value;
  if (node.type === "StringLiteral") {
    const value = node.value.trim() === "" ? Number.NaN : Number(node.value);
    return Number.isNaN(value) ? undefined : value;
  }
  if (node.type !== "UnaryExpression" || node.operator !== "-") return undefined;
  const value = numberOf(node.argument);
  return value === undefined ? undefined : -value;
}

function isNumber(node: Node | null): boolean {
  return node !== null && numberOf(node) !== undefined;
}

export function span({ start, end }: Node): TextSpan {
  return { start: start ?? 0, end: end ?? 0 };
}
