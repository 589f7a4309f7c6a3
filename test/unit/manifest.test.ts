/** The manifest says what the code does: names, texts, trust. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  Command,
  ContextKey,
  LanguageModelTool,
  PANEL_VIEW_TYPE,
  RUNS_VIEW,
  SECTION,
  Setting,
  TASK_TYPE,
  WALKTHROUGH,
} from "../../extension/contributed.ts";
import { MILESTONES } from "../../extension/walkthrough/milestones.ts";
import { BUNDLE, bundleText, collectTexts } from "../../packaging/l10n.ts";

const ROOT = join(import.meta.dirname, "../..");

function read(name: string): string {
  return readFileSync(join(ROOT, name), "utf8");
}

const text = read("package.json");
const manifest = JSON.parse(text);
/** What these tests read of a contribution. */
type Contributed = Readonly<Record<string, string>>;

const names = (items: object): string[] => Object.values(items).sort();

it("contributes the commands and settings that the code knows", () => {
  const commands = manifest.contributes.commands.map(({ command }: { command: string }) => command);
  expect(commands.sort()).toEqual(names(Command));
  const settings = manifest.contributes.configuration.flatMap(
    ({ properties }: { properties: object }) => Object.keys(properties),
  );
  expect(settings.sort()).toEqual(names(Setting).map(name => `${SECTION}.${name}`));
  expect(manifest.activationEvents).toContain(`onWebviewPanel:${PANEL_VIEW_TYPE}`);
});

it("asks only for context keys that the code sets", () => {
  const clauses = [...text.matchAll(/"(?:when|enablement)": "([^"]*)"/g)].map(match => match[1]);
  const done = [...text.matchAll(/"onContext:([\w.]+)"/g)].map(match => match[1]);
  const asked = [...clauses, ...done].flatMap(clause => clause?.match(/\bstepscope\.\w+/g) ?? []);
  const keys = asked.filter(key => key !== RUNS_VIEW && key !== PANEL_VIEW_TYPE);
  expect([...new Set(keys)].sort()).toEqual(names(ContextKey));
});

it("has a text for every key, and no text for none", () => {
  const keys = [...text.matchAll(/"%([^%]+)%"/g)].map(match => match[1]);
  expect(Object.keys(JSON.parse(read("package.nls.json"))).sort()).toEqual(keys.sort());
});

it("names, describes and scopes every command and setting in words that can be translated", () => {
  const isText = (value: unknown): boolean => /^%[\w.]+%$/.test(String(value));
  const { commands, configuration, views, languageModelTools } = manifest.contributes;
  for (const { command, title, category } of commands) {
    expect([command, isText(title), category]).toEqual([command, true, "Stepscope"]);
  }
  for (const { title, properties } of configuration) {
    expect(isText(title)).toBe(true);
    for (const [name, setting] of Object.entries<Record<string, unknown>>(properties)) {
      expect(isText(setting.markdownDescription), name).toBe(true);
      expect(setting, name).toHaveProperty("default");
      expect(["resource", "window", "machine-overridable"], name).toContain(setting.scope);
    }
  }
  for (const { id, name } of Object.values<Contributed[]>(views).flat()) {
    expect(isText(name), id).toBe(true);
  }
  for (const { name, displayName, userDescription } of languageModelTools) {
    expect([name, isText(displayName), isText(userDescription)]).toEqual([name, true, true]);
  }
});

it("puts only its own commands into menus and under keys, each of them somewhere", () => {
  const { commands, menus, keybindings } = manifest.contributes;
  const known = commands.map(({ command }: Contributed) => command);
  const used = [...Object.values<Contributed[]>(menus).flat(), ...keybindings];
  for (const { command } of used) expect(known).toContain(command);
  for (const { icon, command } of commands) {
    // A button without a picture would show its whole title.
    const inline = used.filter(
      each => each.command === command && each.group?.startsWith("inline"),
    );
    expect(inline.length === 0 || icon?.startsWith("$(")).toBe(true);
  }
});

it("has words for a list without runs, whatever the reason", () => {
  const { views, viewsWelcome } = manifest.contributes;
  const ids = Object.values<Contributed[]>(views).flatMap(list => list.map(({ id }) => id));
  expect(ids).toEqual([RUNS_VIEW]);
  const reasons = viewsWelcome.filter(({ view }: Contributed) => view === RUNS_VIEW);
  expect(reasons.map(({ when }: Contributed) => when)).toEqual([
    "!stepscope.runsFiltered && isWorkspaceTrusted",
    "!stepscope.runsFiltered && !isWorkspaceTrusted",
    "stepscope.runsFiltered",
  ]);
  // VS Code knows links there, and no other Markdown.
  const texts = JSON.parse(read("package.nls.json"));
  for (const { contents } of reasons) expect(texts[contents.slice(1, -1)]).not.toMatch(/[`*]/);
});

it("has a walkthrough whose steps are done by what was measured, with pictures and commands that exist", () => {
  const [{ id, steps }, ...others] = manifest.contributes.walkthroughs;
  expect([id, others]).toEqual([WALKTHROUGH, []]);
  expect(steps.map((step: Contributed) => step.id)).toEqual(MILESTONES);
  const texts = JSON.parse(read("package.nls.json"));
  for (const step of steps) {
    expect(step.completionEvents).toEqual([`onContext:stepscope.${step.id}`]);
    const { svg, markdown, altText } = step.media;
    expect(existsSync(join(ROOT, svg ?? markdown)), step.id).toBe(true);
    expect(altText !== undefined || markdown !== undefined).toBe(true);
    const description: string = texts[step.description.slice(1, -1)];
    for (const [, command, name] of description.matchAll(
      /command:([\w.]+)(?:\?%5B%22(.+?)%22%5D)?/g,
    )) {
      expect(Object.values(Command)).toContain(command);
      if (name) expect(existsSync(join(ROOT, "examples", name)), name).toBe(true);
    }
  }
});

it("contributes the tools and the type of task that the code registers", () => {
  const { languageModelTools, taskDefinitions, problemMatchers } = manifest.contributes;
  const tools = languageModelTools.map(({ name }: Contributed) => name);
  expect(tools.sort()).toEqual(names(LanguageModelTool));
  expect(taskDefinitions.map(({ type }: Contributed) => type)).toEqual([TASK_TYPE]);
  expect(problemMatchers.map(({ name }: Contributed) => name)).toEqual([TASK_TYPE]);
});

it("marks what a training says in a terminal at its line", () => {
  const [{ pattern }] = manifest.contributes.problemMatchers;
  const [place, message] = pattern.map(({ regexp }: { regexp: string }) => new RegExp(regexp));
  expect(place.exec("/home/me/train.ts:12:3")?.slice(1)).toEqual(["/home/me/train.ts", "12", "3"]);
  expect(place.exec("step 12 · loss 0.1")).toBeNull();
  expect(message.exec("RangeError: out of range")?.[1]).toBe("out of range");
  expect(message.exec('✘ [ERROR] Unexpected ";"')?.[1]).toBe('Unexpected ";"');
});

it("has every text of the code in the bundle for translators (npm run l10n)", () => {
  expect(readFileSync(BUNDLE, "utf8")).toBe(bundleText(collectTexts()));
});

it("lets an untrusted workspace name no executable, and offers no Train there", () => {
  const { untrustedWorkspaces, virtualWorkspaces } = manifest.capabilities;
  expect(untrustedWorkspaces.supported).toBe("limited");
  expect(untrustedWorkspaces.restrictedConfigurations).toEqual([`${SECTION}.${Setting.nodePath}`]);
  expect(virtualWorkspaces.supported).toBe("limited");
  const run = manifest.contributes.menus["editor/title/run"];
  const train = run.find(({ command }: { command: string }) => command === Command.train);
  expect(train.when).toContain("isWorkspaceTrusted");
});

it("activates for what it shows, and not at every start", () => {
  expect(manifest.activationEvents).toEqual([
    "onLanguage:typescript",
    "onLanguage:javascript",
    `onWebviewPanel:${PANEL_VIEW_TYPE}`,
  ]);
});
