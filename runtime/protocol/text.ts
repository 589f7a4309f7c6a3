/**
 * Messages as text, for hosts of the page without a structured clone: JSON, with typed arrays as
 * base64 of their little-endian bytes. NaN becomes null, as in messages of VS Code.
 */
const ARRAYS = { Float32Array, Float64Array, Uint32Array } as const;

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
    if (value instanceof Uint32Array) return textArray("Uint32Array", value);
    return value;
  });
}

/** @throws SyntaxError if the text is no JSON; what it says is not checked. */
export function messageFromText(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => {
    if (!isTextArray(value)) return value;
    return new ARRAYS[value.array](bytesFrom(value.base64).buffer);
  });
}

/** Younger hosts decode by themselves, in a tenth of the time. */
const decode = (Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> })
  .fromBase64;

function bytesFrom(base64: string): Uint8Array<ArrayBuffer> {
  if (decode) return decode.call(Uint8Array, base64);
  const binary = atob(base64);
  // A loop: an iterator over the text takes many times as long.
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

function isTextArray(value: unknown): value is TextArray {
  if (typeof value !== "object" || value === null || !("base64" in value)) return false;
  return typeof value.base64 === "string" && "array" in value && `${value.array}` in ARRAYS;
}
