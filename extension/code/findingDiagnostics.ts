import * as vscode from "vscode";
import { type Finding, isOpen, type Severity } from "../../runtime/protocol/finding.ts";
import { Command, SECTION, Setting } from "../contributed.ts";
import type { LiveRun } from "../runs/liveRun.ts";
import type { Runs } from "../runs/runs.ts";
import { Throttle } from "../throttle.ts";
import { isSilenced } from "./findingFixes.ts";
import type { Setting as SourceSetting } from "./hyperparameters.ts";
import { SilencedFindings } from "./silencedFindings.ts";
import type { TrainingDocuments } from "./trainingDocuments.ts";

/** Shortest time between two changes of what is marked, in milliseconds. */
const REFRESH_INTERVAL_MS = 500;

const SEVERITIES: Readonly<Record<Severity, vscode.DiagnosticSeverity>> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
};

/** A finding where it stands in its document. */
export interface PlacedFinding {
  readonly finding: Finding;
  readonly diagnostic: vscode.Diagnostic;
  /** What sets the value that the finding is about. */
  readonly setting: SourceSetting | undefined;
}

/**
 * Marks what the diagnosis says of a run at the text that it is about: the literal of a
 * hyperparameter, the layer of a tensor, else the loop. A mark goes when its text is edited, when
 * the finding is cleared, and when the script runs again.
 */
export class FindingDiagnostics implements vscode.Disposable {
  readonly #documents: TrainingDocuments;
  readonly #runs: Runs;
  readonly #silenced: SilencedFindings;
  readonly #collection = vscode.languages.createDiagnosticCollection("stepscope.findings");
  readonly #refresh = new Throttle(REFRESH_INTERVAL_MS, () => void this.#show());
  readonly #subscriptions: vscode.Disposable;
  /** What is marked in each script, by its path. */
  readonly #placed = new Map<string, readonly PlacedFinding[]>();
  /** The text that each finding of a run was about when it was first seen. */
  readonly #texts = new WeakMap<LiveRun, Map<string, string>>();

  constructor(documents: TrainingDocuments, runs: Runs, silenced: SilencedFindings) {
    this.#documents = documents;
    this.#runs = runs;
    this.#silenced = silenced;
    this.#subscriptions = vscode.Disposable.from(
      this.#collection,
      this.#refresh,
      runs.onDidChange(() => this.#refresh.call()),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        const isMarked = this.#placed.has(document.uri.fsPath);
        if (isMarked && contentChanges.length > 0) this.#refresh.call();
      }),
      vscode.workspace.onDidChangeConfiguration(event => {
        if (event.affectsConfiguration(`${SECTION}.${Setting.silencedFindings}`)) {
          this.#refresh.call();
        }
      }),
    );
  }

  /** What is marked in a script. */
  of(script: string): readonly PlacedFinding[] {
    return this.#placed.get(script) ?? [];
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  async #show(): Promise<void> {
    for (const run of this.#runs.newestOfEach) {
      const { script } = run;
      const findings = run.record.findings.filter(isOpen);
      if (findings.length === 0 && !this.#placed.has(script)) continue;
      const placed = findings.length > 0 ? await this.#place(run) : [];
      const uri = vscode.Uri.file(script);
      if (placed.length > 0) this.#placed.set(script, placed);
      else this.#placed.delete(script);
      this.#collection.set(
        uri,
        placed.map(({ diagnostic }) => diagnostic),
      );
    }
  }

  async #place(run: LiveRun): Promise<PlacedFinding[]> {
    const document = await openDocument(vscode.Uri.file(run.script));
    if (!document) return [];
    const lines = document.getText().split("\n");
    const placed: PlacedFinding[] = [];
    const byComment: string[] = [];
    for (const finding of run.record.findings) {
      const { range, setting } = await this.#locate(document, finding);
      if (isSilenced(lines, range.start.line, finding.code)) {
        byComment.push(finding.id);
        continue;
      }
      if (!isOpen(finding) || SilencedFindings.hasRule(run.script, finding)) continue;
      if (this.#wasEdited(run, finding, document.getText(range))) continue;
      placed.push({ finding, diagnostic: diagnosticOf(finding, range), setting });
    }
    this.#silenced.setByComment(run.folder, byComment);
    return placed;
  }

  /** Whether the text that a finding is about is no longer what it was. */
  #wasEdited(run: LiveRun, { id }: Finding, text: string): boolean {
    const texts = this.#texts.get(run) ?? new Map<string, string>();
    this.#texts.set(run, texts);
    const first = texts.get(id);
    if (first === undefined) texts.set(id, text);
    return first !== undefined && first !== text;
  }

  async #locate(
    document: vscode.TextDocument,
    finding: Finding,
  ): Promise<{ range: vscode.Range; setting?: SourceSetting }> {
    const { about, location } = finding;
    if (about.type === "hyperparameter") {
      const { findSetting } = await import("./hyperparameters.ts");
      try {
        const setting = findSetting(document.getText(), about.name, about.group);
        if (setting) {
          const [start, end] = [setting.start, setting.end].map(at => document.positionAt(at));
          if (start && end) return { range: new vscode.Range(start, end), setting };
        }
      } catch {
        // It does not parse while one types.
      }
    }
    if (location && location.file === document.uri.fsPath) {
      return { range: lineRange(document, location.line) };
    }
    const training = await this.#documents.find(document);
    const layer =
      about.type === "tensor" &&
      training?.layers.find(({ path }) => path.length > 0 && belongsTo(about.name, path));
    const line = layer
      ? layer.line
      : about.type === "hyperparameter"
        ? training?.stepLines[0]
        : training?.backwardLines[0];
    return { range: lineRange(document, line ?? training?.lensLine ?? 1) };
  }
}

function diagnosticOf(finding: Finding, range: vscode.Range): vscode.Diagnostic {
  const { title, message, evidence, severity, code } = finding;
  // The message has the most telling evidence in its own sentences.
  const rest = evidence.filter(each => !message.includes(each.text));
  const text = [`${title}. ${message}`, ...rest.map(each => `• ${each.text}`)].join("\n");
  const diagnostic = new vscode.Diagnostic(range, text, SEVERITIES[severity]);
  diagnostic.source = "stepscope";
  const argument = encodeURIComponent(JSON.stringify([code]));
  diagnostic.code = {
    value: code,
    target: vscode.Uri.parse(`command:${Command.explainFinding}?${argument}`),
  };
  return diagnostic;
}

/** Whether a tensor belongs to a layer that is known under the path. */
function belongsTo(tensor: string, path: readonly string[]): boolean {
  const module = tensor.split(".").slice(0, -1).join(".");
  const layer = path.join(".");
  return module === layer || module.endsWith(`.${layer}`);
}

/** A line, counted from 1, without the space around its text. */
function lineRange(document: vscode.TextDocument, line: number): vscode.Range {
  const { lineNumber, text, firstNonWhitespaceCharacterIndex } = document.lineAt(
    Math.min(line, document.lineCount) - 1,
  );
  const end = text.trimEnd().length;
  return new vscode.Range(lineNumber, firstNonWhitespaceCharacterIndex, lineNumber, end);
}

async function openDocument(uri: vscode.Uri): Promise<vscode.TextDocument | undefined> {
  try {
    return await vscode.workspace.openTextDocument(uri);
  } catch {
    // The script is gone.
    return undefined;
  }
}
