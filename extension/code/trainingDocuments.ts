import type { TextDocument, TextDocumentChangeEvent, TextDocumentContentChangeEvent } from "vscode";
import type { Training } from "./training.ts";

/** What has been found in a document. */
export interface LookedAt {
  /** The version of the document that was looked at. */
  readonly version: number;
  readonly training: Training | undefined;
  /** An edit since then went over the line of the lens, as one that replaces all: nobody knows. */
  readonly isDoubtful?: boolean;
}

/** A file without this word uses nothing of it: the parser need not be loaded to see that. */
const PACKAGE = "stepscope";

/**
 * The training code of open documents, parsed once a version. While a document does not parse, its
 * last good answer is kept and moves with the lines, so that the lens never jumps.
 */
export class TrainingDocuments {
  readonly #entries = new Map<string, LookedAt>();

  /** The training code of a document; undefined where there is none. */
  async find(document: TextDocument): Promise<Training | undefined> {
    const key = document.uri.toString();
    const known = this.#entries.get(key);
    if (known?.version === document.version) return known.training;
    if (!document.getText().includes(PACKAGE)) {
      this.#entries.set(key, { version: document.version, training: undefined });
      return undefined;
    }
    const { findTraining } = await import("./training.ts");
    const { version } = document;
    const last = this.#entries.get(key)?.training;
    let training: Training | undefined;
    try {
      training = findTraining(document.getText());
    } catch {
      training = last;
    }
    this.#entries.set(key, { version, training });
    return training;
  }

  /** What was found last, moved with the edits since then; undefined where nobody has looked yet. */
  last(document: TextDocument): LookedAt | undefined {
    return this.#entries.get(document.uri.toString());
  }

  /** Moves what is known of a document with an edit. */
  edited({ document, contentChanges }: TextDocumentChangeEvent): void {
    const key = document.uri.toString();
    const known = this.#entries.get(key);
    if (!known?.training) return;
    const { lensLine } = known.training;
    const isDoubtful =
      known.isDoubtful ||
      contentChanges.some(
        ({ range }) => range.start.line + 1 < lensLine && lensLine <= range.end.line,
      );
    const training = contentChanges.reduce(moveTraining, known.training);
    this.#entries.set(key, { version: known.version, training, isDoubtful });
  }

  forget(document: TextDocument): void {
    this.#entries.delete(document.uri.toString());
  }
}

/** Lines behind an edit move by the lines that it adds; those in front and inside stay. */
function moveTraining(training: Training, change: TextDocumentContentChangeEvent): Training {
  const { start, end } = change.range;
  const added = change.text.split("\n").length - 1 - (end.line - start.line);
  // A line moves as a whole where the edit ends at its start.
  const firstMoved = end.character === 0 ? end.line + 1 : end.line + 2;
  const move = (line: number): number => (line >= firstMoved ? line + added : line);
  const { loopLine } = training;
  return {
    lensLine: move(training.lensLine),
    ...(loopLine !== undefined && { loopLine: move(loopLine) }),
    backwardLines: training.backwardLines.map(move),
    stepLines: training.stepLines.map(move),
    layers: training.layers.map(({ line, path }) => ({ line: move(line), path })),
  };
}
