import * as vscode from "vscode";
import { type Finding, isOpen } from "../../runtime/protocol/finding.ts";
import { SECTION, Setting } from "../contributed.ts";

/** A run as far as its findings go. */
interface FoundRun {
  readonly folder: string;
  readonly script: string;
  readonly record: { readonly findings: readonly Finding[] };
}

/**
 * What users do not want to be told: rules that are silenced in a workspace, and findings that a comment silences at
 * their place, as whoever knows their places says. Nobody shows them.
 */
export class SilencedFindings implements vscode.Disposable {
  /** Folder of a run of which something else is silenced now; undefined where it may be so of any. */
  readonly onDidChange: vscode.Event<string | undefined>;
  readonly #changed = new vscode.EventEmitter<string | undefined>();
  /** Ids by the folder of the run. */
  readonly #byComment = new Map<string, readonly string[]>();

  readonly #subscription = vscode.workspace.onDidChangeConfiguration(event => {
    if (event.affectsConfiguration(`${SECTION}.${Setting.silencedFindings}`)) {
      this.#changed.fire(undefined);
    }
  });

  constructor() {
    this.onDidChange = this.#changed.event;
  }

  /** Says which findings of a run comments silence. */
  setByComment(runFolder: string, ids: readonly string[]): void {
    const before = this.#byComment.get(runFolder) ?? [];
    this.#byComment.set(runFolder, ids);
    if (before.join() !== ids.join()) this.#changed.fire(runFolder);
  }

  /** Whether the rule of a script's finding is silenced in its workspace. */
  static hasRule(script: string, { code }: Finding): boolean {
    return vscode.workspace
      .getConfiguration(SECTION, vscode.Uri.file(script))
      .get<string[]>(Setting.silencedFindings, [])
      .some(each => each === code || code.startsWith(`${each}.`));
  }

  /** Ids of a run's findings that are not to be shown. */
  idsOf({ folder, script, record }: FoundRun): readonly string[] {
    const byRule = record.findings.filter(each => SilencedFindings.hasRule(script, each));
    return [...new Set([...byRule.map(({ id }) => id), ...(this.#byComment.get(folder) ?? [])])];
  }

  /** What holds of a run and may be told. */
  toldOf(run: FoundRun): readonly Finding[] {
    const ids = this.idsOf(run);
    return run.record.findings.filter(finding => isOpen(finding) && !ids.includes(finding.id));
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#changed.dispose();
  }
}
