/** Name of the data set that a chart of the user's own draws: a row for each step. */
export const RUN_DATA = "run";

type Json = Readonly<Record<string, unknown>>;

/** A Vega-Lite specification of the user's own, as far as it is read here. */
export interface OwnSpec {
  /** Without title: the card has it. */
  readonly spec: Json;
  /** Empty without one. */
  readonly title: string;
  /** Texts among which are all names of columns that it uses. */
  readonly words: ReadonlySet<string>;
  /** Names that it uses as fields and does not make itself; true: written with a dot that leads into an object. */
  readonly fields: ReadonlyMap<string, boolean>;
}

/** Keys of Vega-Lite whose strings name fields, each in a list or alone. */
const FIELD_KEYS = new Set([
  "field",
  "fields",
  "groupby",
  "fold",
  "flatten",
  "density",
  "quantile",
  "regression",
  "loess",
  "impute",
  "stack",
]);

/** What is written where a field could be, and is none. */
const NO_FIELDS = new Set(["zero", "normalize", "center", "*"]);

/** Of any other Vega-Lite has nothing to say but where it stumbled. */
const MARKS = [
  ...["arc", "area", "bar", "boxplot", "circle", "errorband", "errorbar", "geoshape", "image"],
  ...["line", "point", "rect", "rule", "square", "text", "tick", "trail"],
];

/** Keys of Vega-Lite that hold expressions over a row. */
const EXPRESSION_KEYS = new Set(["filter", "calculate", "expr", "test"]);

/** Names that transforms make when they are given none, and those of an axis's labels. */
const DEFAULT_NAMES = ["key", "value", "density", "prob", "data", "__count", "label", "index"];

/** `datum.loss`, `datum['val/loss']`. */
const DATUM = /\bdatum(?:\.([A-Za-z_$][\w$]*)|\[\s*(?:'([^']*)'|"([^"]*)")\s*\])/g;

interface Found {
  readonly words: Set<string>;
  readonly fields: Map<string, boolean>;
  readonly made: Set<string>;
  readonly dataSets: Set<string>;
  /** A transform makes columns of values: their names cannot be known. */
  pivots: boolean;
}

/**
 * Reads a specification.
 *
 * @throws Error that says why it is none, or none over a run
 */
export function readSpec(text: string): OwnSpec {
  const parsed = parse(text);
  const { title, ...rest } = parsed;
  const { $schema } = rest;
  if (typeof $schema === "string" && /\/schema\/vega\//.test($schema)) {
    throw new Error("This is a specification of Vega; a chart here is one of Vega-Lite.");
  }
  const spec = "data" in rest ? rest : { data: { name: RUN_DATA }, ...rest };
  const found: Found = {
    words: new Set(),
    fields: new Map(),
    made: new Set(DEFAULT_NAMES),
    dataSets: new Set([RUN_DATA, ...Object.keys(isObject(spec.datasets) ? spec.datasets : {})]),
    pivots: false,
  };
  visit(spec, "", found);
  const { words, fields, made, pivots } = found;
  return {
    spec,
    title: titleText(title),
    words,
    fields: new Map(pivots ? [] : [...fields].filter(([name]) => !made.has(name))),
  };
}

/** Says which column that a specification uses is not among these; undefined if all are. */
export function unknownColumn({ fields }: OwnSpec, known: ReadonlyMap<string, unknown>) {
  for (const [name, isPath] of fields) {
    if (known.has(name)) {
      const written = JSON.stringify(name.replaceAll(/[.[\]]/g, "\\$&"));
      if (isPath)
        return `In “${name}” a dot leads into an object: the column is written ${written}.`;
    } else if (![...known.keys()].some(column => isDerived(name, column))) {
      return `This run has no column “${name}”.`;
    }
  }
  return undefined;
}

/** Whether a name is one that Vega-Lite makes of a column's, as `mean_loss`. */
function isDerived(name: string, column: string): boolean {
  return name.endsWith(`_${column.replace(/\W/g, "_")}`);
}

/** The names of those columns that a specification uses. */
export function usedColumns({ words }: OwnSpec, known: ReadonlyMap<string, unknown>): string[] {
  return [...known.keys()].filter(name => words.has(name));
}

function parse(text: string): Json {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (!isObject(parsed)) throw new Error("A Vega-Lite specification is a JSON object: { … }.");
  return parsed;
}

/** `path`: where in the specification `value` stands. */
function visit(value: unknown, path: string, found: Found): void {
  if (typeof value === "string") {
    found.words.add(value).add(unescaped(value));
    for (const name of datumNames(value)) found.words.add(name);
  } else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) visit(item, `${path}[${i}]`, found);
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) visitEntry(key, item, path, found);
  }
}

function visitEntry(key: string, item: unknown, path: string, found: Found): void {
  const at = path ? `${path}.${key}` : key;
  if (key === "data" && isObject(item)) checkData(item, at, found);
  if (key === "mark") checkMark(item, at);
  // Rows of the specification's own: what stands in them is no name, but names are what they have.
  if (key === "values" || key === "datasets") {
    noteNames(item, found.made);
    return;
  }
  if (key === "pivot") found.pivots = true;
  if (key === "as") for (const name of strings(item)) found.made.add(name);
  if (FIELD_KEYS.has(key)) {
    for (const name of strings(item)) if (!NO_FIELDS.has(name)) noteField(name, found);
  }
  if (key === "repeat") {
    const lists = isObject(item) ? Object.values(item) : [item];
    for (const name of lists.flatMap(strings)) noteField(name, found);
  }
  if (EXPRESSION_KEYS.has(key) && typeof item === "string") {
    for (const name of datumNames(item)) found.fields.set(name, false);
  }
  visit(item, at, found);
}

function checkMark(mark: unknown, path: string): void {
  const type = isObject(mark) ? mark.type : mark;
  if (typeof type !== "string" || MARKS.includes(type)) return;
  throw new Error(`${path}: there is no mark “${type}”. Vega-Lite has ${MARKS.join(", ")}.`);
}

function checkData(data: Json, path: string, { dataSets }: Found): void {
  if ("url" in data) {
    throw new Error(
      `${path}.url: nothing is fetched. Without data a chart draws the run's own; others can stand in data.values.`,
    );
  }
  const { name } = data;
  const isOwn = "values" in data || "sequence" in data;
  if (typeof name === "string" && !isOwn && !dataSets.has(name)) {
    throw new Error(
      `${path}.name: there is no data “${name}”. Those of the run are “${RUN_DATA}”.`,
    );
  }
}

function noteField(field: string, { fields }: Found): void {
  fields.set(unescaped(field), /(?<!\\)[.[]/.test(field));
}

/** Names that rows have, or the rows of data sets. */
function noteNames(rows: unknown, made: Set<string>): void {
  if (Array.isArray(rows)) for (const row of rows) noteNames(row, made);
  else if (isObject(rows)) {
    for (const [name, value] of Object.entries(rows)) {
      made.add(name);
      noteNames(value, made);
    }
  }
}

function* datumNames(expression: string): Generator<string> {
  for (const [, name, single, double] of expression.matchAll(DATUM)) {
    yield name ?? single ?? double ?? "";
  }
}

function strings(value: unknown): readonly string[] {
  return [value].flat().filter(item => typeof item === "string");
}

/** A field without what keeps its dots and brackets from leading into an object. */
function unescaped(field: string): string {
  return field.replace(/\\(.)/g, "$1");
}

function titleText(title: unknown): string {
  const text = isObject(title) ? title.text : title;
  return strings(text).join(" ");
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
