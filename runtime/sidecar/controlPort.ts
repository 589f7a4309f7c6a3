/** Brings controls from the recorder, which hears clients, to the loop on the main thread. */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { ChangeRecord, LoopOrder, OptionRecord } from "../protocol/control.ts";
import type { PlannedRates } from "../protocol/plannedRates.ts";
import type { RewindRecord } from "../protocol/rewind.ts";
import type { GroupRecord } from "../protocol/run.ts";
import type { Controls } from "./controlledLoop.ts";
import type { RecorderLink } from "./link.ts";

export class ControlPort implements Controls {
  readonly #port: MessagePort;
  readonly #link: RecorderLink;
  readonly #arrived: LoopOrder[] = [];

  constructor(port: MessagePort, link: RecorderLink) {
    this.#port = port;
    this.#link = link;
  }

  /** Has `arrived` called for controls that come while nobody takes them. */
  listen(arrived: () => void): void {
    this.#port.on("message", (control: LoopOrder) => {
      this.#arrived.push(control);
      arrived();
    });
    this.#port.unref();
  }

  /** Looks at the port itself: a loop that seldom gives way obeys at its next step all the same. */
  take(): LoopOrder | undefined {
    return this.#arrived.shift() ?? receiveMessageOnPort(this.#port)?.message;
  }

  held(isHeld: boolean): void {
    this.keepAlive(isHeld);
    this.#link.send({ type: "paused", paused: isHeld });
  }

  keepAlive(isKept: boolean): void {
    // A script that waits in a step has nothing else that would keep the process.
    if (isKept) this.#port.ref();
    else this.#port.unref();
  }

  groups(groups: readonly GroupRecord[]): void {
    this.#link.send({ type: "groups", groups });
  }

  planned(planned: readonly PlannedRates[]): void {
    this.#link.send({ type: "planned", planned });
  }

  options(options: readonly OptionRecord[]): void {
    this.#link.send({ type: "options", options });
  }

  changed(changes: readonly ChangeRecord[]): void {
    this.#link.send({ type: "changes", changes });
  }

  kept(kept: readonly number[]): void {
    this.#link.send({ type: "kept", kept });
  }

  rewound(rewinds: readonly RewindRecord[]): void {
    this.#link.send({ type: "rewinds", rewinds });
  }

  warn(text: string): void {
    this.#link.send({ type: "log", line: { level: "warn", text, time: Date.now() } });
  }
}
