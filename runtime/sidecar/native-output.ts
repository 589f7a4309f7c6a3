/**
 * What the process itself prints: native libraries, warnings of Node, children of the script. Its
 * standard output and error are a file in the run's folder, of which every new line becomes a log.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { SIDECAR_LOG } from "../store/paths.ts";
import type { LogLine } from "./link.ts";

const POLL_MS = 200;

export class NativeOutput {
  readonly #file: number;
  readonly #log: (line: LogLine) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #decoder = new StringDecoder("utf8");
  readonly #buffer = Buffer.alloc(64 * 1024);
  #rest = "";

  constructor(runFolder: string, log: (line: LogLine) => void) {
    this.#file = openSync(join(runFolder, SIDECAR_LOG), "a+");
    this.#log = log;
    this.#timer = setInterval(() => this.#read(), POLL_MS);
  }

  /** Reads what is left. */
  close(): void {
    clearInterval(this.#timer);
    this.#read();
    if (this.#rest) this.#emit(this.#rest);
    closeSync(this.#file);
  }

  #read(): void {
    for (;;) {
      const bytes = readSync(this.#file, this.#buffer);
      if (bytes === 0) return;
      const lines = (this.#rest + this.#decoder.write(this.#buffer.subarray(0, bytes))).split("\n");
      this.#rest = lines.pop() ?? "";
      if (lines.length > 0) this.#emit(lines.join("\n"));
    }
  }

  #emit(text: string): void {
    this.#log({ level: "warn", text, time: Date.now() });
  }
}
