import type { SidecarConnection } from "../client/connection.ts";
import { attachRun } from "../client/start.ts";
import type { SidecarMessage } from "../protocol/messages.ts";
import type { FromPageMessage, ToPageMessage } from "../protocol/page.ts";
import { listRuns } from "../store/list.ts";
import { readNotes } from "../store/notes.ts";
import { projectOf } from "../store/paths.ts";
import { openRun } from "../store/reader.ts";
import { RunBins } from "./bins.ts";
import { Comparison, runChoice } from "./comparison.ts";
import { type Received, readHistograms, readHistory } from "./history.ts";
import { PageFeed } from "./pageFeed.ts";
import { keepView } from "./view.ts";

/** Shows one page one run, outside of VS Code: what is stored of it, then what happens. */
export class PageSession {
  readonly #folder: string;
  readonly #compared: readonly string[];
  readonly #bins = new RunBins(logs => void this.#post({ type: "logs", logs }));
  #comparison: Comparison | undefined;
  readonly #post: (message: ToPageMessage) => Promise<void>;
  readonly #feed: PageFeed;
  #connection: SidecarConnection | undefined;
  #hasEnded = false;
  #disposed = false;

  /**
   * `compared`: folders of runs to compare it with at first. `post` sends to the page; it resolves when
   * the page can take more.
   */
  constructor(
    folder: string,
    compared: readonly string[],
    post: (message: ToPageMessage) => Promise<void>,
  ) {
    this.#folder = folder;
    this.#compared = compared;
    this.#post = post;
    this.#feed = new PageFeed(message => void post(message));
  }

  /** Sends everything; resolves when the page is up to date. What happens follows. */
  async start(): Promise<void> {
    let received: Received | undefined;
    const connection = await attachRun(this.#folder, message => {
      if (message.type === "welcome") {
        const { run, logs, metrics } = message;
        received = { run, steps: run.steps, logs, metrics };
      } else this.#receive(message);
    });
    this.#connection = connection;
    // The page may have gone while the sidecar answered.
    if (this.#disposed) connection?.detach();
    void connection?.closed.then(() => this.#ended());
    if (!this.#disposed) this.#comparison = new Comparison(this.#folder, this.#post);
    try {
      for (const message of readHistory(this.#folder, received)) {
        if (this.#disposed) return;
        const compared = message.type === "hydrate" ? { compared: this.#compared } : {};
        await this.#post({ ...message, ...compared });
      }
      this.#feed.start();
    } catch (error) {
      await this.#post(unreadable(error));
    }
  }

  /** Does what the page asks for, as far as an ordinary browser can ask. */
  receive(message: FromPageMessage): void {
    if (message.type === "bins") void this.#answer(message);
    if (message.type === "stop") this.#connection?.stop();
    if (message.type === "control") this.#connection?.control(message.control);
    if (message.type === "compare") this.#comparison?.show(message.runFolders);
    if (message.type === "pin") this.#comparison?.pin(message.runFolder);
    if (message.type === "listRuns") this.#listRuns();
    if (message.type === "histograms") this.#sendHistograms(message.tensor, message.after);
    if (message.type === "keepView") keepView(projectOf(this.#folder), message.view);
  }

  /** The page has gone. The run goes on. */
  dispose(): void {
    this.#disposed = true;
    this.#feed.dispose();
    this.#comparison?.dispose();
    this.#bins.dispose();
    this.#connection?.detach();
  }

  async #answer(message: Extract<FromPageMessage, { type: "bins" }>): Promise<void> {
    const { runFolder = this.#folder } = message;
    if (runFolder !== this.#folder && !this.#comparison?.has(runFolder)) return;
    const answer = await this.#bins.answer(runFolder, message);
    if (answer && !this.#disposed) await this.#post(answer);
  }

  #sendHistograms(tensor: number, after: number): void {
    try {
      void this.#post(readHistograms(this.#folder, tensor, after));
    } catch {
      // The run was deleted: there is nothing to show.
    }
  }

  /** The other runs of the project. */
  #listRuns(): void {
    const { runs } = listRuns(projectOf(this.#folder));
    const choices = runs.map(({ folder, record }) =>
      runChoice(folder, record, readNotes(folder).name),
    );
    void this.#post({ type: "runs", runs: choices });
  }

  #receive(message: SidecarMessage): void {
    switch (message.type) {
      case "end":
        this.#hasEnded = true;
        this.#feed.run(message.run);
        break;
      case "run":
        this.#feed.run(message.run);
        break;
      case "steps":
        this.#feed.steps(message.batch);
        break;
      case "log":
        this.#feed.log(message.log);
        break;
      case "metric":
        this.#feed.metric(message.metric);
        break;
      case "picture":
        this.#feed.picture(message.picture);
        break;
      case "branches":
        this.#feed.branches(message.branches);
        break;
      case "elements":
        this.#feed.elements(message.elements);
        break;
    }
  }

  /** The store knows how a run ended that could not say so. */
  #ended(): void {
    if (this.#disposed || this.#hasEnded) return;
    try {
      const reader = openRun(this.#folder);
      this.#feed.run(reader.record());
      reader.close();
    } catch (error) {
      void this.#post(unreadable(error));
    }
  }
}

function unreadable(error: unknown): ToPageMessage {
  const reason = error instanceof Error ? error.message : String(error);
  return { type: "empty", heading: "This run cannot be read", reason };
}
