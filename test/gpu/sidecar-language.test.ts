/** What a training file may be written in, and what it finds when it runs. */
import { mkdirSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Spectator, TrainingProject } from "./training-project.ts";

let project: TrainingProject;

beforeEach(() => {
  project = new TrainingProject();
});

afterEach(() => project.end());

/** Runs a script that has to complete, and returns what it printed as JSON. */
async function printed(script: string, options = {}): Promise<unknown> {
  const run = await project.run(script, options);
  expect(run.end?.error).toBeUndefined();
  return JSON.parse(said(run));
}

/** What a script says, which takes no step here; the last line tells it so. */
function said({ logs }: Spectator): string {
  expect(logs.at(-1)?.text).toMatch(/^No optimizer took a step/);
  return logs
    .slice(0, -1)
    .map(log => log.text)
    .join("\n");
}

test("enums, parameter properties, decorators, using", async () => {
  project.write(
    "a.ts",
    `enum Color { Red, Green = 5 }
     const enum Size { Small = 2 }
     const seen: string[] = [];
     function named(_: unknown, { name }: ClassMethodDecoratorContext) { seen.push(String(name)); }
     class Net {
       constructor(readonly width: number) {}
       @named forward(): number { return this.width; }
     }
     { using file = { [Symbol.dispose]() { seen.push("closed"); } }; }
     console.log(JSON.stringify([Color.Green, Color[5], Size.Small, new Net(3).forward(), seen]));`,
  );
  expect(await printed("a.ts")).toEqual([5, "Green", 2, 3, ["forward", "closed"]]);
});

test("CommonJS: require of the engine, of files, of JSON and of Node", async () => {
  project.write("package.json", "{}");
  project.write("lib/double.js", `module.exports.double = tensor => tensor.mul(2);`);
  project.write("lib/size.json", `{ "width": 3 }`);
  const script = `const { ones } = require("stepscope");
     const { double } = require("./lib/double");
     const { width } = require("./lib/size.json");
     const { basename } = require("node:path");
     async function main() {
       const sum = await double(ones(width)).sum().item();
       console.log(JSON.stringify([sum, basename(__filename), basename(__dirname)]));
     }
     main();`;
  project.write("a.js", script);
  project.write("b.cjs", script);
  const [name] = project.folder.split("/").slice(-1);
  expect(await printed("a.js")).toEqual([6, "a.js", name]);
  expect(await printed("b.cjs")).toEqual([6, "b.cjs", name]);
});

test("CommonJS helpers of a script of ES modules, TypeScript or not, with the script's engine", async () => {
  project.write("lib/package.json", "{}");
  project.write(
    "lib/typed.ts",
    `const { basename } = require("node:path");
     const { ones } = require("stepscope");
     enum Size { Small = 3 }
     module.exports = { threes: () => ones(Size.Small).mul(3), name: basename(__filename) };`,
  );
  project.write("lib/twos.js", `module.exports = () => require("stepscope").ones(3).mul(2);`);
  project.write("plain.cjs", `exports.twos = require("./lib/twos");`);
  project.write(
    "a.ts",
    `import typed from "./lib/typed";
     import { twos } from "./plain.cjs";
     import { Tensor } from "stepscope";
     const sum = await typed.threes().add(twos()).sum().item();
     console.log(JSON.stringify([sum, typed.name, twos() instanceof Tensor]));`,
  );
  expect(await printed("a.ts")).toEqual([15, "typed.ts", true]);
});

test("decorators of old, and path aliases, where tsconfig says so", async () => {
  project.write(
    "tsconfig.json",
    `{
      // Comments are allowed here.
      "compilerOptions": {
        "experimentalDecorators": true,
        "paths": { "@lib/*": ["./lib/*"], "stepscope": ["./nowhere.ts"] }
      }
    }`,
  );
  project.write("lib/model.ts", `export const width = 4;`);
  project.write(
    "a.ts",
    `import { zeros } from "stepscope";
     import { width } from "@lib/model";
     const keys: string[] = [];
     function field(_: object, key: string) { keys.push(key); }
     class A { @field x = 1; }
     new A();
     console.log(JSON.stringify([width, keys, zeros(2, 3).shape]));`,
  );
  expect(await printed("a.ts")).toEqual([4, ["x"], [2, 3]]);
});

test("modules of its own: without extension, as .js, in circles, JSON, text, CommonJS, on demand", async () => {
  project.write("lib/index.ts", `import { b } from "./b.js"; export const a = () => b() + 1;`);
  project.write(
    "lib/b.ts",
    `import { a } from "./index"; export const b = () => typeof a === "function" ? 1 : 0;`,
  );
  project.write("data.json", `{ "n": 7 }`);
  project.write("note.txt", "hello");
  project.write("old.cjs", `exports.path = require("node:path").basename(__filename);`);
  project.write("plain.js", `export const plain = 8;`);
  project.write("late.ts", `export default (enumValue: number): number => enumValue;`);
  project.write(
    "a.ts",
    `import { a } from "./lib";
     import data from "./data.json" with { type: "json" };
     import note from "./note.txt";
     import old from "./old.cjs";
     import { plain } from "./plain.js";
     const late = await import("./late");
     console.log(JSON.stringify([a(), data.n, note, old.path, plain, late.default(9)]));`,
  );
  expect(await printed("a.ts")).toEqual([2, 7, "hello", "old.cjs", 8, 9]);
});

test("the module of a data set, compiled for the threads that read it", async () => {
  project.write("tsconfig.json", `{ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] } } }`);
  project.write("lib/size.ts", "export enum Size { Small = 3 }");
  project.write(
    "set.ts",
    `import { isMainThread } from "node:worker_threads";
     import { tensor } from "stepscope";
     import { Size } from "@lib/size";
     export default (from: number) => ({
       length: Size.Small,
       batch: (indices: Int32Array) => ({ x: tensor(indices.map(i => i + from)), isMainThread }),
     });`,
  );
  project.write(
    "a.ts",
    `import { data } from "stepscope";
     const set = await data.fromModule(new URL("./set.ts", import.meta.url), 10);
     const read = [];
     for await (const { x, isMainThread } of new data.DataLoader(set, { batchSize: 2, numWorkers: 2 })) {
       read.push([...(await x.data()), isMainThread]);
     }
     console.log(JSON.stringify(read));`,
  );
  expect(await printed("a.ts")).toEqual([
    [10, 11, false],
    [12, false],
  ]);
});

test("packages as seen from the file that imports them, all with the same engine", async () => {
  const pack = (folder: string, name: string, code: string) => {
    project.write(`${folder}node_modules/${name}/package.json`, `{ "exports": "./main.mjs" }`);
    project.write(`${folder}node_modules/${name}/main.mjs`, code);
  };
  pack("", "where", `export const where = "outer";`);
  pack("lib/", "where", `export const where = "inner";`);
  pack("", "user", `import { Tensor } from "stepscope"; export { Tensor };`);
  project.write("lib/x.ts", `export { where as inner } from "where";`);
  project.write(
    "a.ts",
    `import { where } from "where";
     import { inner } from "./lib/x";
     import { Tensor } from "user";
     import { zeros } from "stepscope";
     console.log(JSON.stringify([where, inner, zeros(1) instanceof Tensor]));`,
  );
  expect(await printed("a.ts")).toEqual(["outer", "inner", true]);
});

test("import.meta, argv and the working folder, in each module its own", async () => {
  project.write("lib/x.ts", `export const meta = [import.meta.filename, import.meta.main];`);
  const script = project.write(
    "a.ts",
    `import { meta } from "./lib/x";
     const { url, filename, dirname, main } = import.meta;
     console.log(JSON.stringify({
       url, filename, dirname, main, meta, argv: process.argv.slice(1), cwd: process.cwd(),
       launch: Object.keys(process.env).filter(name => name.startsWith("STEPSCOPE_LAUNCH")),
     }));`,
  );
  mkdirSync(project.path("work"));
  const options = { args: ["--lr", "0.1"], cwd: project.path("work"), script };
  expect(await printed("a.ts", options)).toEqual({
    url: new URL(`file://${script}`).href,
    filename: script,
    dirname: project.folder,
    main: true,
    meta: [project.path("lib/x.ts"), false],
    argv: [script, "--lr", "0.1"],
    cwd: project.path("work"),
    launch: [],
  });
});

test("plain JavaScript", async () => {
  project.write("a.mjs", `console.log(JSON.stringify(import.meta.main))`);
  expect(await printed("a.mjs")).toBe(true);
});

test("the seed of the command, unless the script sets its own", async () => {
  project.write("a.ts", `import { initialSeed } from "stepscope"; console.log(initialSeed());`);
  const run = await project.run("a.ts", { seed: 42 });
  expect(said(run)).toBe("42");
  expect(run.end?.seed).toBe(42);
  project.write("b.ts", `import { manualSeed } from "stepscope"; manualSeed(7);`);
  expect((await project.run("b.ts", { seed: 42 })).end?.seed).toBe(7);
});

test("output becomes logs: console, streams, children, lines without an end", async () => {
  project.write(
    "a.ts",
    `import { spawnSync } from "node:child_process";
     console.log("two\\nlines");
     console.debug("fine"); console.warn("careful"); console.error("bad");
     process.stdout.write("no "); process.stdout.write("end");
     process.stderr.write(new TextEncoder().encode("η\\n"));
     spawnSync(process.execPath, ["-e", "console.log('from a child')"], { stdio: "inherit" });
     await new Promise(resolve => process.stdout.write("!\\n", resolve));`,
  );
  const run = await project.run("a.ts");
  const logs = run.logs.map(({ level, text }) => [level, text]);
  expect(logs.filter(([, text]) => text !== "from a child")).toEqual([
    ["info", "two\nlines"],
    ["debug", "fine"],
    ["warn", "careful"],
    ["error", "bad"],
    ["warn", "η"],
    ["info", "no end!"],
    ["warn", expect.stringMatching(/^No optimizer took a step/)],
  ]);
  expect(logs).toContainEqual(["warn", "from a child"]);
  expect(run.stored().logs).toEqual(run.logs);
});

test("a script that prints without end can be stopped, and what it printed is there", async () => {
  project.write("a.ts", `for (let i = 0; ; i++) console.log(i);`);
  const run = await project.start("a.ts");
  await run.until(() => run.logs.length > 20_000);
  run.connection.stop();
  await run.closed;
  expect(run.end?.status).toBe("stopped");
  const numbers = run.logs.slice(0, -1).map(log => Number(log.text));
  expect(numbers).toEqual(numbers.map((_, i) => i));
});
