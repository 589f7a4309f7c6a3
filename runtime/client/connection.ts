/** A client's end of a sidecar's socket. */
import { connect, type Socket } from "node:net";
import type { Control } from "../protocol/control.ts";
import { encodeFrame, FrameDecoder } from "../protocol/frame.ts";
import { type ClientMessage, PROTOCOL_VERSION, type SidecarMessage } from "../protocol/messages.ts";
import type { RunRecord } from "../protocol/run.ts";
import { parseSidecarMessage } from "../protocol/validate.ts";

/** Hears what a sidecar sends, from `welcome` on. */
export type MessageListener = (message: SidecarMessage, connection: SidecarConnection) => void;

/** Longest that a sidecar may take to answer a hello: its process may be suspended. */
const ANSWER_MS = 20_000;

/** How a sidecar is reached. */
export interface Address {
  readonly socket: string;
  readonly token: string;
  readonly runFolder: string;
}

/** A sidecar that let this client in. */
export class SidecarConnection {
  /** Folder of the run in the store. */
  readonly runFolder: string;
  /** The record as of the welcome. */
  readonly run: RunRecord;
  /**
   * Settles when the connection is over, however it ended. Without an `end` message before it the
   * run goes on, or its process has died: the store tells.
   */
  readonly closed: Promise<void>;
  readonly #socket: Socket;

  /** Use `connectTo`. */
  constructor(runFolder: string, run: RunRecord, socket: Socket, closed: Promise<void>) {
    this.runFolder = runFolder;
    this.run = run;
    this.#socket = socket;
    this.closed = closed;
  }

  /**
   * Asks the sidecar to stop the run; within two seconds it says `end`.
   * @param patienceMs what the script may take for its last checkpoint, where that may be longer.
   */
  stop(patienceMs?: number): void {
    send(this.#socket, { type: "stop", ...(patienceMs !== undefined && { patienceMs }) });
  }

  /** Holds the loop, or has it go on. `run` messages say when it does. */
  control(control: Control): void {
    send(this.#socket, { type: "control", control });
  }

  /** Has the run take what others leave of the processor, or its part again. */
  ease(isEased: boolean): void {
    send(this.#socket, { type: "ease", isEased });
  }

  /** Leaves the run alone; it goes on for its grace time. */
  detach(): void {
    this.#socket.destroy();
  }
}

/**
 * Says hello to a sidecar. Throws if nobody listens, if the sidecar refuses, and if it answers
 * with something that is not the protocol; a fault that comes later closes the connection.
 * @param answerMs longest that the sidecar may take to answer.
 */
export function connectTo(
  address: Address,
  listener: MessageListener,
  answerMs: number = ANSWER_MS,
): Promise<SidecarConnection> {
  return new Promise((resolve, reject) => {
    const socket = connect(address.socket);
    socket.setTimeout(answerMs, () => socket.destroy(new Error("The sidecar does not answer.")));
    const decoder = new FrameDecoder();
    let connection: SidecarConnection | undefined;
    const closed = new Promise<void>(settle => socket.once("close", () => settle()));
    socket.once("connect", () =>
      send(socket, { type: "hello", version: PROTOCOL_VERSION, token: address.token }),
    );
    socket.on("data", chunk => {
      try {
        for (const value of decoder.push(chunk)) {
          const message = parseSidecarMessage(value);
          if (message.type === "refused") throw new Error(message.reason);
          if (message.type === "welcome") {
            socket.setTimeout(0);
            connection = new SidecarConnection(address.runFolder, message.run, socket, closed);
            resolve(connection);
          }
          if (!connection) throw new Error(`The sidecar sent ${message.type} before welcome.`);
          listener(message, connection);
        }
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("The sidecar closed the connection.")));
  });
}

function send(socket: Socket, message: ClientMessage): void {
  if (socket.writable) socket.write(encodeFrame(message));
}
