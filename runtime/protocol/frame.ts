/**
 * Frames on a sidecar's socket: four bytes of length (big-endian), then a structured clone in V8's
 * format, which keeps typed arrays, NaN and undefined. For Node only; the page gets the same
 * messages from `postMessage`.
 */
import { deserialize, serialize } from "node:v8";

const HEADER_BYTES = 4;

/** Largest payload that is sent or accepted: hours of steps, and far below what V8 can hold. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** The bytes of a message. Throws if they are more than `MAX_FRAME_BYTES`. */
export function encodeFrame(message: unknown): Uint8Array {
  const payload = serialize(message);
  if (payload.length > MAX_FRAME_BYTES) {
    throw new Error(
      `A message of ${payload.length} bytes is over the limit of ${MAX_FRAME_BYTES}.`,
    );
  }
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame.writeUInt32BE(payload.length, 0);
  payload.copy(frame, HEADER_BYTES);
  return frame;
}

/** Puts the chunks of a stream together to messages, however the stream cut them. */
export class FrameDecoder {
  #chunks: Uint8Array[] = [];
  #length = 0;
  #maxBytes: number;

  /** `maxBytes`: largest payload that is accepted. */
  constructor(maxBytes = MAX_FRAME_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Changes the limit for the frames to come. */
  allow(maxBytes: number): void {
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes the next chunk; yields each message that it completes. Throws if a frame is longer than
   * the limit or is not a structured clone: the stream is useless from there on.
   */
  *push(chunk: Uint8Array): Generator<unknown> {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    for (;;) {
      const header = this.#peek(HEADER_BYTES);
      if (!header) return;
      const bytes = header.readUInt32BE(0);
      if (bytes > this.#maxBytes) {
        throw new Error(`A frame of ${bytes} bytes is over the limit of ${this.#maxBytes}.`);
      }
      const frame = this.#peek(HEADER_BYTES + bytes);
      if (!frame) return;
      this.#chunks = [frame.subarray(HEADER_BYTES + bytes)];
      this.#length -= HEADER_BYTES + bytes;
      // A copy of its own: typed arrays of the message are views of the bytes they came from.
      yield deserialize(new Uint8Array(frame.subarray(HEADER_BYTES, HEADER_BYTES + bytes)));
    }
  }

  /** All bytes that wait, as one piece, once they are at least `bytes`. */
  #peek(bytes: number): Buffer | undefined {
    if (this.#length < bytes) return undefined;
    const first = this.#chunks[0];
    if (first && first.length >= bytes) {
      return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
    }
    const joined = Buffer.concat(this.#chunks, this.#length);
    this.#chunks = [joined];
    return joined;
  }
}
