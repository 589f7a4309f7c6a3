import { describe, expect, test } from "vitest";
import { encodeFrame, FrameDecoder } from "../../runtime/protocol/frame.ts";
import { randomNumbers } from "./random.ts";

/** Cuts bytes at random places; pieces may be empty. */
function cut(bytes: Uint8Array, random: () => number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Math.floor(random() * (random() < 0.5 ? 4 : bytes.length));
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

function decode(pieces: Iterable<Uint8Array>): unknown[] {
  const decoder = new FrameDecoder();
  return Array.from(pieces).flatMap(piece => [...decoder.push(piece)]);
}

describe("frames", () => {
  test("messages survive any cut of the stream", () => {
    const random = randomNumbers(7);
    for (let round = 0; round < 200; round++) {
      const messages = Array.from({ length: 1 + Math.floor(random() * 6) }, (_, i) => ({
        type: "steps",
        i,
        nothing: undefined,
        numbers: [Number.NaN, Number.POSITIVE_INFINITY, -0],
        steps: Float64Array.from({ length: Math.floor(random() * 300) }, random),
        tensors: Float32Array.from({ length: Math.floor(random() * 300) }, random),
        text: "η ‖Δθ‖ 步".repeat(Math.floor(random() * 20)),
      }));
      const stream = Buffer.concat(messages.map(encodeFrame));
      expect(decode(cut(stream, random))).toEqual(messages);
    }
  });

  test("a message does not change when the chunk that brought it is reused", () => {
    const chunk = Buffer.from(encodeFrame(new Float64Array([1, 2, 3])));
    const [numbers] = decode([chunk]);
    chunk.fill(0);
    expect(numbers).toEqual(new Float64Array([1, 2, 3]));
  });

  test("a frame over the limit is refused before it is received", () => {
    const header = Buffer.alloc(4);
    header.writeUInt32BE(0xffffffff);
    expect(() => decode([header])).toThrow("A frame of 4294967295 bytes is over the limit");
    const small = new FrameDecoder(100);
    expect(() => [...small.push(encodeFrame("x".repeat(200)))]).toThrow("over the limit of 100");
    small.allow(1000);
  });

  test("bytes that are no structured clone are refused", () => {
    expect(() => decode([Buffer.from([0, 0, 0, 3, 1, 2, 3])])).toThrow();
  });
});
