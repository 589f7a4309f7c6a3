/** The manifest says what the code does: names, texts, trust. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  Command,
  ContextKey,
  PANEL_VIEW_TYPE,
  RUNS_VIEW,
  SECTION,
  Setting,
} from "../../extension/contributed.ts";

const ROOT = join(import.meta.dirname, "../..");

function read(name: string): string {
  return readFileSync(join(ROOT, name), "utf8");
}

const text = read("package.json");
const manifest = JSON.parse(text);
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
  const asked = clauses.flatMap(clause => clause?.match(/\bstepscope\.\w+/g) ?? []);
  const keys = asked.filter(key => key !== RUNS_VIEW);
  expect([...new Set(keys)].sort()).toEqual(names(ContextKey));
});

it("has a text for every key, and no text for none", () => {
  const keys = [...text.matchAll(/"%([^%]+)%"/g)].map(match => match[1]);
  expect(Object.keys(JSON.parse(read("package.nls.json"))).sort()).toEqual(keys.sort());
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
