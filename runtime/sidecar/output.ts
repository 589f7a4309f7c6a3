/** Makes log records of what the script prints. */
import { StringDecoder } from "node:string_decoder";
import type { LogLevel } from "../protocol/messages.ts";
import type { LogLine } from "./link.ts";

/** Console methods whose level is not that of the stream that they write to. */
const CONSOLE_LEVELS = { debug: "debug", error: "error", trace: "debug" } as const;

/** Milliseconds after which a line without an end is shown all the same. */
const UNFINISHED_MS = 100;

/**
 * Sends everything that goes to this thread's standard output and error to `log`, a record for
 * each write that ends a line. Returns a function that sends what is left.
 */
export function captureOutput(log: (line: LogLine) => void): () => void {
  const out = new CapturedStream("info", log);
  const err = new CapturedStream("warn", log);
  process.stdout.write = out.write;
  process.stderr.write = err.write;
  for (const [method, level] of Object.entries(CONSOLE_LEVELS)) {
    const name = method as keyof typeof CONSOLE_LEVELS;
    const original = console[name].bind(console);
    // The console writes before it returns: what comes meanwhile is of this level.
    console[name] = (...parts: unknown[]) => {
      out.level = err.level = level;
      original(...parts);
      out.level = err.level = undefined;
    };
  }
  return () => {
    out.flush();
    err.flush();
  };
}

class CapturedStream {
  /** Level for now; undefined for that of the stream. */
  level: LogLevel | undefined;
  readonly #ownLevel: LogLevel;
  readonly #log: (line: LogLine) => void;
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(ownLevel: LogLevel, log: (line: LogLine) => void) {
    this.#ownLevel = ownLevel;
    this.#log = log;
  }

  /** Stands in for the stream's own `write`. */
  readonly write: typeof process.stdout.write = (
    chunk: string | Uint8Array,
    encodingOrDone?: BufferEncoding | ((error?: Error | null) => void),
    done?: (error?: Error | null) => void,
  ) => {
    this.#take(typeof chunk === "string" ? chunk : this.#decoder.write(Buffer.from(chunk)));
    const callback = typeof encodingOrDone === "function" ? encodingOrDone : done;
    if (callback) process.nextTick(callback);
    return true;
  };

  flush(): void {
    if (this.#rest) this.#emit(this.#rest);
    this.#rest = "";
  }

  #take(text: string): void {
    const whole = this.#rest + text;
    const end = whole.lastIndexOf("\n");
    this.#rest = whole.slice(end + 1);
    if (end >= 0) this.#emit(whole.slice(0, end));
    clearTimeout(this.#timer);
    if (this.#rest) this.#timer = setTimeout(() => this.flush(), UNFINISHED_MS).unref();
  }

  #emit(text: string): void {
    this.#log({ level: this.level ?? this.#ownLevel, text, time: Date.now() });
  }
}
