/**
 * Messages as text, for hosts of the page without a structured clone: JSON, with typed arrays as
 * base64 of their little-endian bytes. NaN becomes null, as in messages of VS Code.
 */
const ARRAYS = { Float32Array, Float64Array } as const;

interface TextArray {
  readonly array: keyof typeof ARRAYS;
  readonly base64: string;
}

export function messageToText(message: object): string {
  return JSON.stringify(message, (_, value: unknown) => {
    if (value instanceof Float32Array) return textArray("Float32Array", value);
    if (value instanceof Float64Array) return textArray("Float64Array", value);
    return value;
  });
}

/** @throws SyntaxError if the text is no JSON; what it says is not checked. */
export function messageFromText(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => {
    if (!isTextArray(value)) return value;
    const binary = atob(value.base64);
    const bytes = Uint8Array.from(binary, character => character.charCodeAt(0));
    return new ARRAYS[value.array](bytes.buffer);
  });
}

function textArray(array: TextArray["array"], { buffer, byteOffset, byteLength }: ArrayBufferView) {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  // In pieces: a call takes some ten thousand arguments.
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return { array, base64: btoa(binary) } satisfies TextArray;
}

function isTextArray(value: unknown): value is TextArray {
  if (typeof value !== "object" || value === null || !("base64" in value)) return false;
  return typeof value.base64 === "string" && "array" in value && `${value.array}` in ARRAYS;
}
