/** A loop of this process under control, as in a sidecar. */
import { SnapshotRing } from "../../runtime/checkpoint/ring.ts";
import { setGate } from "../../runtime/insight/gate.ts";
import type { LoopOrder } from "../../runtime/protocol/control.ts";
import type { PlannedRates } from "../../runtime/protocol/plannedRates.ts";
import type { RewindRecord } from "../../runtime/protocol/rewind.ts";
import { LoopControl } from "../../runtime/sidecar/loopControl.ts";

const CLIP_LIMITS = ["maxNorm", "clipValue"];

/** Puts the loop of this process into a hand, until the gate is taken away. */
export function hand() {
  let steps = 0;
  /** The first of the loop's, among those of all loops of this process. */
  let group = 0;
  const inbox: LoopOrder[] = [];
  let rewinds: readonly RewindRecord[] = [];
  let planned: readonly PlannedRates[] = [];
  const snapshots = new SnapshotRing(2 ** 26);
  const loop = { stepCount: () => steps, drain: async () => {}, loopResumed: () => {}, snapshots };
  const control = new LoopControl(loop, {
    take: () => {
      const next = inbox.shift();
      if (next?.type !== "set" || CLIP_LIMITS.includes(next.name)) return next;
      return { ...next, group };
    },
    held: () => {},
    keepAlive: () => {},
    groups: () => {},
    planned: all => {
      planned = all;
    },
    options: () => {},
    changed: () => {},
    kept: () => {},
    rewound: all => {
      rewinds = all;
    },
    warn: text => {
      throw new Error(text);
    },
  });
  setGate({
    limit: (name, value) => control.limit(name, value),
    scheduled: (optimizer, schedule) => control.scheduled(optimizer, schedule),
    before: optimizer => {
      [group = 0] = optimizer.groupIndices;
      return control.before(optimizer);
    },
    after: optimizer => {
      steps++;
      return control.after(optimizer);
    },
  });
  return {
    ask: (...controls: LoopOrder[]) => inbox.push(...controls),
    rewinds: () => rewinds,
    planned: () => planned,
  };
}
