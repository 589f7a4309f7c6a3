/** One end of the connection between two workers: lists of numbers in order. */
import type { Socket } from "node:net";
import { encodeFrame, FrameDecoder } from "../protocol/frame.ts";

export class Peer {
  /** What errors call the other end. */
  name: string;
  readonly #socket: Socket;
  readonly #arrived: Float32Array[] = [];
  #waiting: PromiseWithResolvers<Float32Array> | undefined;
  #failure: Error | undefined;

  constructor(socket: Socket, name: string) {
    this.name = name;
    this.#socket = socket;
    const decoder = new FrameDecoder();
    socket.on("data", chunk => {
      try {
        for (const values of decoder.push(chunk)) this.#receive(floats(values));
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on("error", error => this.#fail(`${this.name} cannot be reached: ${error.message}`));
    socket.on("close", () => this.#fail(`${this.name} has left the group.`));
    // A worker that waits for nobody may end.
    socket.unref();
  }

  send(values: Float32Array): void {
    this.#socket.write(encodeFrame(values));
  }

  /** What the other end sends next. Rejects if that has gone. */
  next(): Promise<Float32Array> {
    const arrived = this.#arrived.shift();
    if (arrived) return Promise.resolve(arrived);
    if (this.#failure) return Promise.reject(this.#failure);
    this.#socket.ref();
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise.finally(() => this.#socket.unref());
  }

  /** Leaves, when what was sent has been taken. */
  close(): void {
    this.#socket.end();
  }

  #receive(values: Float32Array): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting.resolve(values);
    else this.#arrived.push(values);
  }

  #fail(message: string): void {
    this.#failure ??= new Error(message);
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
  }
}

function floats(value: unknown): Float32Array {
  if (value instanceof Float32Array) return value;
  throw new TypeError("expected numbers of float32");
}
