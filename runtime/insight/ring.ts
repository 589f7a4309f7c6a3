/**
 * Brings what a step measured back to the host without stalling the loop: every step copies into a
 * slot of a staging buffer, a full buffer is mapped, and its steps are delivered in order later.
 *
 * The ring also bounds the steps in flight, to about STEPS_AHEAD_MS of the GPU's time: enough that
 * it never runs dry, and little enough that points, pause and stop are not late.
 */
import { checkDevice, createBuffer, destroyBuffer } from "../gpu/device.ts";
import type { BufferRange } from "../gpu/storage.ts";

/** Steps that a staging buffer holds. */
export const SLOTS = 16;
/** Staging buffers of a ring; more are made only if the script never awaits a step. */
const BUFFERS = 4;
/** A buffer with steps in it is mapped after this time, full or not. */
const SEAL_MS = 30;
const STEPS_AHEAD_MS = 50;
const FEWEST_AHEAD = 2;
const MOST_AHEAD = (BUFFERS - 1) * SLOTS;

/** Receives the slots of consecutive steps; `bytes` is valid during the call only. */
export type Deliver<Note> = (bytes: ArrayBuffer, slotBytes: number, notes: readonly Note[]) => void;

/** Steps whose slots share a staging buffer. */
interface Batch<Note> {
  readonly buffer: GPUBuffer;
  readonly slotBytes: number;
  readonly notes: Note[];
  readonly openedAt: number;
}

export class ReadbackRing<Note> {
  readonly #deliver: Deliver<Note>;
  readonly #idle: GPUBuffer[] = [];
  #slotBytes = 0;
  #open: Batch<Note> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Batches that are being mapped, oldest first; each promise settles after its delivery. */
  readonly #flying: Promise<void>[] = [];
  #tail: Promise<void> = Promise.resolve();
  #failure: { readonly reason: unknown } | undefined;
  #ahead = 0;
  #mostAhead = FEWEST_AHEAD;
  #deliveredAt = performance.now();

  constructor(deliver: Deliver<Note>) {
    this.#deliver = deliver;
  }

  get slotBytes(): number {
    return this.#slotBytes;
  }

  /**
   * Gives the slots of later steps another size (a multiple of 4), and makes the staging buffers.
   * Steps with the old size are sealed.
   */
  resize(slotBytes: number): void {
    if (slotBytes === this.#slotBytes) return;
    this.seal();
    this.#slotBytes = slotBytes;
    for (const buffer of this.#idle.splice(0)) destroyBuffer(buffer);
    while (this.#idle.length < BUFFERS) this.#idle.push(this.#createStaging());
  }

  /** Encodes copies of `ranges`, one behind the other, into the slot of the step noted. */
  copy(encoder: GPUCommandEncoder, ranges: readonly BufferRange[], note: Note): void {
    const batch = this.#openBatch();
    let offset = batch.notes.length * batch.slotBytes;
    for (const range of ranges) {
      encoder.copyBufferToBuffer(range.buffer, range.offset, batch.buffer, offset, range.size);
      offset += range.size;
    }
    batch.notes.push(note);
    this.#ahead++;
  }

  /** To be called when the commands with the copy have been submitted. */
  submitted(): void {
    this.#sealIfDue();
  }

  /** Whether as many steps are in flight as the GPU can do in good time, or no buffer is left. */
  isFull(): boolean {
    return this.#ahead >= this.#mostAhead || this.#flying.length >= BUFFERS;
  }

  /**
   * Waits until the next step may be queued.
   * @throws what went wrong on the device, or in the observer.
   */
  async room(): Promise<void> {
    while (this.isFull() && this.#flying.length > 0) await this.#flying[0];
    this.#throwFailure();
  }

  /**
   * Delivers everything that has been queued.
   * @throws what went wrong on the device, or in the observer.
   */
  async drain(): Promise<void> {
    this.seal();
    // Not until nothing flies: a loop that is being stopped queues steps meanwhile.
    await this.#tail;
    this.#throwFailure();
  }

  /** Begins to map the open batch. */
  seal(): void {
    const batch = this.#open;
    if (!batch) return;
    clearTimeout(this.#timer);
    this.#open = undefined;
    const mapped = batch.buffer.mapAsync(GPUMapMode.READ, 0, batch.notes.length * batch.slotBytes);
    const previous = this.#tail;
    this.#tail = this.#land(batch, mapped, previous);
    this.#flying.push(this.#tail);
  }

  /** Seals a batch that is full, or has waited long enough while a buffer is left for the next. */
  #sealIfDue(): void {
    const batch = this.#open;
    if (!batch) return;
    const isLate = this.isFull() || performance.now() - batch.openedAt >= SEAL_MS;
    const isFull = batch.notes.length >= SLOTS;
    if (isFull || (isLate && this.#flying.length < BUFFERS - 1)) this.seal();
  }

  async #land(batch: Batch<Note>, mapped: Promise<undefined>, previous: Promise<void>) {
    try {
      await mapped;
      await previous;
      const size = batch.notes.length * batch.slotBytes;
      this.#deliver(batch.buffer.getMappedRange(0, size), batch.slotBytes, batch.notes);
      batch.buffer.unmap();
      this.#recycle(batch);
    } catch (reason) {
      this.#failure ??= { reason };
    } finally {
      this.#measure(batch.notes.length);
      this.#flying.shift();
      this.#sealIfDue();
    }
  }

  /** Learns from the time between two deliveries how many steps the GPU can be given ahead. */
  #measure(steps: number): void {
    const now = performance.now();
    const milliseconds = Math.max(1e-3, (now - this.#deliveredAt) / steps);
    this.#deliveredAt = now;
    this.#ahead -= steps;
    this.#mostAhead = Math.min(
      MOST_AHEAD,
      Math.max(FEWEST_AHEAD, Math.round(STEPS_AHEAD_MS / milliseconds)),
    );
  }

  #openBatch(): Batch<Note> {
    if (!this.#open) {
      this.#open = {
        buffer: this.#idle.pop() ?? this.#createStaging(),
        slotBytes: this.#slotBytes,
        notes: [],
        openedAt: performance.now(),
      };
      // A loop that pauses (an evaluation) must not hold back the last points. Timers may be early.
      this.#timer = setTimeout(() => this.#sealIfDue(), SEAL_MS + 2).unref();
    }
    return this.#open;
  }

  #createStaging(): GPUBuffer {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    return createBuffer(this.#slotBytes * SLOTS, usage, "step readback");
  }

  #recycle({ buffer, slotBytes }: Batch<Note>): void {
    if (slotBytes === this.#slotBytes && this.#idle.length < BUFFERS) this.#idle.push(buffer);
    else destroyBuffer(buffer);
  }

  #throwFailure(): void {
    if (!this.#failure) return;
    checkDevice();
    throw this.#failure.reason;
  }
}
