/**
 * Lets a peer find the adapter that our engine would choose at `navigator.gpu`, with the same
 * switches and the same calm event pump, so that nothing but the libraries differs. Must be imported
 * before a peer, which may look for the adapter when it is imported.
 */
import { findAdapter, noAdapterMessage } from "../../../runtime/gpu/adapter.ts";
import { calmEventPump } from "../../../runtime/gpu/calm.ts";
import type { AdapterRecord } from "../../../runtime/protocol/run.ts";

/** The adapter that is offered. */
export const adapter: AdapterRecord = await offer();

async function offer(): Promise<AdapterRecord> {
  calmEventPump();
  const { adapter, record, attempts } = await findAdapter();
  if (!adapter || !record) throw new Error(noAdapterMessage(attempts));
  const value = { requestAdapter: () => Promise.resolve(adapter) };
  Object.defineProperty(navigator, "gpu", { value });
  return record;
}
