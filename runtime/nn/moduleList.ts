import { type AnyModule, Module } from "./module.ts";

/** Modules by number, with the names `0`, `1`, …; what to do with them is up to their owner. */
export class ModuleList<Item extends AnyModule = Module> extends Module<never, never> {
  #items: Item[];

  constructor(modules: Iterable<Item> = []) {
    super();
    this.#items = [];
    for (const module of modules) this.append(module);
  }

  get length(): number {
    return this.#items.length;
  }

  /** Adds a module at the end. */
  append(module: Item): this {
    if (!(module instanceof Module)) {
      throw new TypeError(`ModuleList: element ${this.length} is not a module`);
    }
    this.#items.push(module);
    return this;
  }

  /** The module of a number; negative ones count from the end. */
  at(index: number): Item {
    const module = this.#items.at(index);
    if (module) return module;
    throw new RangeError(
      `ModuleList: index ${index} is out of range, there are ${this.length} modules`,
    );
  }

  [Symbol.iterator](): Iterator<Item> {
    return this.#items.values();
  }

  override members(): [string, unknown][] {
    return this.#items.map((module, i) => [String(i), module]);
  }

  forward(): never {
    throw new Error("ModuleList: has no forward; call that of its modules");
  }
}

/** Modules by name; what to do with them is up to their owner. */
export class ModuleDict<Item extends AnyModule = Module> extends Module<never, never> {
  #items = new Map<string, Item>();

  constructor(modules: Readonly<Record<string, Item>> = {}) {
    super();
    for (const [name, module] of Object.entries(modules)) this.set(name, module);
  }

  /** Number of modules. */
  get size(): number {
    return this.#items.size;
  }

  has(name: string): boolean {
    return this.#items.has(name);
  }

  /** @throws RangeError if there is no module of this name. */
  get(name: string): Item {
    const module = this.#items.get(name);
    if (module) return module;
    throw new RangeError(
      `ModuleDict: no "${name}", there are ${[...this.#items.keys()].join(", ")}`,
    );
  }

  /** Adds a module, or replaces that of the same name. */
  set(name: string, module: Item): this {
    if (!(module instanceof Module)) throw new TypeError(`ModuleDict: "${name}" is not a module`);
    if (name === "" || name.includes(".")) {
      throw new RangeError(`ModuleDict: a name should be a word without dots, got "${name}"`);
    }
    this.#items.set(name, module);
    return this;
  }

  keys(): Iterator<string> & Iterable<string> {
    return this.#items.keys();
  }

  [Symbol.iterator](): Iterator<[string, Item]> {
    return this.#items.entries();
  }

  override members(): [string, unknown][] {
    return [...this.#items];
  }

  forward(): never {
    throw new Error("ModuleDict: has no forward; call that of its modules");
  }
}
