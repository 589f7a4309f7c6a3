/**
 * TensorBoard's event files: TFRecords (length, masked CRC-32C of it, data, masked CRC-32C of that;
 * tensorflow/core/lib/io/record_writer.h), each an `Event` message (core/util/event.proto) in
 * protocol buffers' wire format. Of a summary's values only scalars are known here.
 */
import { maskedCrc32c } from "./crc32c.ts";
import { type Field, fields, ProtoWriter, WIRE } from "./protobuf.ts";

/** What TensorBoard expects to read in the first event of a file. */
const FILE_VERSION = "brain.Event:2";

/** Scalars that were logged together. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  readonly values: readonly (readonly [tag: string, value: number])[];
}

const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const SUMMARY = { value: 1 } as const;
const VALUE = { tag: 1, simpleValue: 2, tensor: 8 } as const;
const TENSOR = { dtype: 1, shape: 2, content: 4, floats: 5, doubles: 6 } as const;
const SHAPE = { dim: 2 } as const;
const DIM = { size: 1 } as const;
const DTYPE = { float: 1, double: 2 } as const;

const HEADER_BYTES = 12;
const FOOTER_BYTES = 4;

/** The record with which a file begins. */
export function fileHeader(wallTime: number): Uint8Array {
  return record(
    new ProtoWriter()
      .double(EVENT.wallTime, wallTime)
      .string(EVENT.fileVersion, FILE_VERSION)
      .finish(),
  );
}

/** The record of one event. Values are stored in float32, as TensorBoard shows them. */
export function eventRecord({ wallTime, step, values }: ScalarEvent): Uint8Array {
  const summary = new ProtoWriter();
  for (const [tag, value] of values) {
    summary.bytes(
      SUMMARY.value,
      new ProtoWriter().string(VALUE.tag, tag).float(VALUE.simpleValue, value).finish(),
    );
  }
  return record(
    new ProtoWriter()
      .double(EVENT.wallTime, wallTime)
      .varint(EVENT.step, step)
      .bytes(EVENT.summary, summary.finish())
      .finish(),
  );
}

function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + data.length + FOOTER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(data, HEADER_BYTES);
  view.setUint32(HEADER_BYTES + data.length, maskedCrc32c(data), true);
  return bytes;
}

/**
 * The events of a file that hold scalars, in order. A last record that is cut short, as a writer
 * leaves it that was killed, ends the file.
 *
 * @throws Error with the byte's place where a checksum differs
 */
export function* readEvents(bytes: Uint8Array): Generator<ScalarEvent> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    if (view.getUint32(at + 8, true) !== maskedCrc32c(bytes.subarray(at, at + 8))) {
      if (at === 0)
        throw new Error("This is no event file of TensorBoard, or its begin is damaged.");
      throw new Error(`The record at byte ${at} has a length that does not match its checksum.`);
    }
    const end = at + HEADER_BYTES + Number(view.getBigUint64(at, true));
    if (end + FOOTER_BYTES > bytes.length) return;
    const data = bytes.subarray(at + HEADER_BYTES, end);
    if (view.getUint32(end, true) !== maskedCrc32c(data)) {
      throw new Error(`The record at byte ${at} does not match its checksum.`);
    }
    const event = parseEvent(data);
    if (event.values.length > 0) yield event;
    at = end + FOOTER_BYTES;
  }
}

function parseEvent(data: Uint8Array): ScalarEvent {
  let wallTime = 0;
  let step = 0;
  const values: [string, number][] = [];
  for (const field of fields(data)) {
    if (field.number === EVENT.wallTime) wallTime = field.double();
    else if (field.number === EVENT.step) step = field.integer();
    else if (field.number === EVENT.summary) values.push(...scalarsOf(field.bytes()));
  }
  return { wallTime, step, values };
}

function* scalarsOf(summary: Uint8Array): Generator<[string, number]> {
  for (const field of fields(summary)) {
    if (field.number !== SUMMARY.value) continue;
    let tag = "";
    let value: number | undefined;
    for (const part of fields(field.bytes())) {
      if (part.number === VALUE.tag) tag = part.text();
      else if (part.number === VALUE.simpleValue) value = part.float();
      else if (part.number === VALUE.tensor) value = scalarTensor(part.bytes());
    }
    if (value !== undefined) yield [tag, value];
  }
}

/** The element of a tensor of one float: how TensorFlow 2 logs scalars. Undefined for others. */
function scalarTensor(tensor: Uint8Array): number | undefined {
  const parts = new Map<number, Field>();
  for (const part of fields(tensor)) parts.set(part.number, part);
  const shape = parts.get(TENSOR.shape);
  if (shape && elements(shape.bytes()) !== 1) return undefined;
  const isDouble = parts.get(TENSOR.dtype)?.integer() === DTYPE.double;
  if (!isDouble && parts.get(TENSOR.dtype)?.integer() !== DTYPE.float) return undefined;
  const content = parts.get(TENSOR.content)?.bytes();
  const listed = parts.get(isDouble ? TENSOR.doubles : TENSOR.floats);
  const bytes = content ?? (listed?.wire === WIRE.bytes ? listed.bytes() : undefined);
  if (!bytes) return isDouble ? listed?.double() : listed?.float();
  if (bytes.length !== (isDouble ? 8 : 4)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isDouble ? view.getFloat64(0, true) : view.getFloat32(0, true);
}

function elements(shape: Uint8Array): number {
  let count = 1;
  for (const field of fields(shape)) {
    if (field.number !== SHAPE.dim) continue;
    for (const part of fields(field.bytes())) if (part.number === DIM.size) count *= part.integer();
  }
  return count;
}
