/**
 * What a snapshot of a training loop is made of. Whatever changes from step to step and is no tensor
 * in a variable of the script enters itself here: random numbers, optimizers, schedules, loaders.
 */

/** Bytes on the GPU that may move: where they are now. */
export interface Memory {
  readonly range: { readonly buffer: GPUBuffer; readonly offset: number; readonly size: number };
}

export interface Part {
  /** GPU memory that holds state. It is copied and written back as it is. */
  memory?(): readonly Memory[];
  /**
   * Remembers everything else as it is now.
   * @returns puts it back; called when the memory has been written back.
   */
  capture(): () => void;
}

const parts = new Set<WeakRef<Part>>();

/** Has a part belong to every snapshot for as long as somebody else holds it. */
export function takePart(part: Part): void {
  parts.add(new WeakRef(part));
}

/** All parts, in the order in which they entered. */
export function allParts(): readonly Part[] {
  return [...parts].flatMap(reference => {
    const part = reference.deref();
    if (!part) parts.delete(reference);
    return part ?? [];
  });
}
