/**
 * Messages as text, for hosts of the page without a structured clone: JSON, with typed arrays as
 * base64 of their little-endian bytes. NaN becomes null, as in messages of VS Code.
 */
const ARRAYS = { Float32Array, Float64Array } as const;

interface TextArray {
  readonly array: keyof typeof ARRAYS;
  readonly base64: string;
}

/** `toBase64` is the host's: what all hosts have takes text, and many times as long. */
export function messageToText(message: object, toBase64: (bytes: Uint8Array) => string): string {
  const textArray = (array: TextArray["array"], view: ArrayBufferView): TextArray => {
    const { buffer, byteOffset, byteLength } = view;
    return { array, base64: toBase64(new Uint8Array(buffer, byteOffset, byteLength)) };
  };
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
    // A loop: an iterator over the text takes many times as long.
    const bytes = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
    return new ARRAYS[value.array](bytes.buffer);
  });
}

function isTextArray(value: unknown): value is TextArray {
  if (typeof value !== "object" || value === null || !("base64" in value)) return false;
  return typeof value.base64 === "string" && "array" in value && `${value.array}` in ARRAYS;
}
