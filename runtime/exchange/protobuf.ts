/** Protocol buffers' wire format (protobuf.dev/programming-guides/encoding), as far as events need it. */

/** Kinds of fields. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Writes the fields of a message one after the other. */
export class ProtoWriter {
  readonly #bytes: number[] = [];

  double(field: number, value: number): this {
    return this.#fixed(field, WIRE.fixed64, Float64Array.of(value));
  }

  float(field: number, value: number): this {
    return this.#fixed(field, WIRE.fixed32, Float32Array.of(value));
  }

  /** `value` is a whole number from 0 to 2⁵³. */
  varint(field: number, value: number): this {
    this.#push(field * 8 + WIRE.varint);
    this.#push(value);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  /** Bytes, or a message within the message. */
  bytes(field: number, value: Uint8Array): this {
    this.#push(field * 8 + WIRE.bytes);
    this.#push(value.length);
    for (const byte of value) this.#bytes.push(byte);
    return this;
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #fixed(field: number, wire: number, value: Float32Array | Float64Array): this {
    this.#push(field * 8 + wire);
    this.#bytes.push(...new Uint8Array(value.buffer));
    return this;
  }

  #push(value: number): void {
    for (let rest = value; ; rest = Math.floor(rest / 128)) {
      if (rest < 128) {
        this.#bytes.push(rest);
        return;
      }
      this.#bytes.push((rest % 128) + 128);
    }
  }
}

/** One field of a message. Its methods throw if the field is of another kind. */
export class Field {
  readonly number: number;
  readonly wire: number;
  readonly #value: Uint8Array | number;

  constructor(number: number, wire: number, value: Uint8Array | number) {
    this.number = number;
    this.wire = wire;
    this.#value = value;
  }

  integer(): number {
    if (typeof this.#value !== "number") throw this.#unexpected("an integer");
    return this.#value;
  }

  bytes(): Uint8Array {
    return this.#of(WIRE.bytes, "bytes");
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  float(): number {
    return view(this.#of(WIRE.fixed32, "a float")).getFloat32(0, true);
  }

  double(): number {
    return view(this.#of(WIRE.fixed64, "a double")).getFloat64(0, true);
  }

  #of(wire: number, what: string): Uint8Array {
    if (this.wire !== wire || typeof this.#value === "number") throw this.#unexpected(what);
    return this.#value;
  }

  #unexpected(what: string): Error {
    return new Error(`Field ${this.number} of a message is not ${what}.`);
  }
}

/**
 * The fields of a message, in order.
 * @throws Error if the bytes are not a message
 */
export function* fields(message: Uint8Array): Generator<Field> {
  const reader = { message, at: 0 };
  while (reader.at < message.length) {
    const key = varint(reader);
    const number = Math.floor(key / 8);
    const wire = key % 8;
    if (wire === WIRE.varint) yield new Field(number, wire, varint(reader));
    else yield new Field(number, wire, take(reader, length(reader, wire)));
  }
}

interface Reader {
  readonly message: Uint8Array;
  at: number;
}

function length(reader: Reader, wire: number): number {
  if (wire === WIRE.fixed64) return 8;
  if (wire === WIRE.fixed32) return 4;
  if (wire === WIRE.bytes) return varint(reader);
  throw new Error(`A message has a field of the unknown kind ${wire}.`);
}

function take(reader: Reader, count: number): Uint8Array {
  const end = reader.at + count;
  if (end > reader.message.length) throw new Error("A message is cut short.");
  const bytes = reader.message.subarray(reader.at, end);
  reader.at = end;
  return bytes;
}

/** Numbers beyond 2⁵³ lose digits: there is none in what is read here. */
function varint(reader: Reader): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const [byte = 0] = take(reader, 1);
    value += (byte % 128) * scale;
    if (byte < 128) return value;
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
