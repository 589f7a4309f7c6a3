/** The socket of a sidecar: lets clients in, sends them what happens, hears what they want. */
import { timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Control } from "../protocol/control.ts";
import { encodeFrame, FrameDecoder, MAX_FRAME_BYTES } from "../protocol/frame.ts";
import { type ClientMessage, PROTOCOL_VERSION, type SidecarMessage } from "../protocol/messages.ts";
import { parseClientMessage } from "../protocol/validate.ts";

/** A stranger may send no more than a hello. */
const MAX_HELLO_BYTES = 1024;

/** A stranger that says nothing is shown out. */
const HELLO_TIMEOUT_MS = 5000;

/** Output waits for a client for which this much waits already. */
const FULL_BYTES = 128 * 1024;

/** A client that does not read is let go: after a time, or when too much waits. The store has it. */
const STALLED_MS = 5000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Longest wait for clients to take the last message. */
const FLUSH_MS = 700;

export interface ServerEvents {
  /** What a new client is greeted with. */
  welcome(): SidecarMessage;
  /** A client wants the run to stop, and may wait so long for its last checkpoint. */
  stop(patienceMs?: number): void;
  /** A client wants something of the loop. */
  control(control: Control): void;
  /** Some client, or none any more, wants the run to leave the processor to others. */
  ease(isEased: boolean): void;
  /** The number of clients changed. */
  clients(count: number): void;
}

export class ClientServer {
  readonly #token: Buffer;
  readonly #events: ServerEvents;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #clients = new Set<Socket>();
  /** Clients beside which somebody works. */
  readonly #easing = new Set<Socket>();
  /** Clients that are full: how much they had taken, and when that was first seen. */
  readonly #full = new Map<Socket, { readonly taken: number; readonly since: number }>();

  constructor(token: string, events: ServerEvents) {
    this.#token = Buffer.from(token);
    this.#events = events;
    this.#server = createServer(socket => this.#accept(socket));
  }

  /** Resolves when clients can connect. */
  async listen(path: string): Promise<void> {
    this.#server.listen(path);
    await once(this.#server, "listening");
  }

  /** Sends a message to every client. */
  broadcast(message: SidecarMessage): void {
    if (this.#clients.size === 0) return;
    const frame = encodeFrame(message);
    for (const client of this.#clients) {
      client.write(frame);
      if (client.writableLength > MAX_WAITING_BYTES) client.destroy();
    }
  }

  /** Whether every client keeps up with what is sent; those that take nothing are let go. */
  hasRoom(): boolean {
    const full = [...this.#clients].filter(client => client.writableLength > FULL_BYTES);
    for (const client of this.#full.keys()) if (!full.includes(client)) this.#full.delete(client);
    for (const client of full) {
      const taken = client.bytesWritten - client.writableLength;
      const seen = this.#full.get(client);
      if (seen?.taken !== taken) this.#full.set(client, { taken, since: Date.now() });
      else if (Date.now() - seen.since > STALLED_MS) client.destroy();
    }
    return full.length === 0;
  }

  /** Shows everybody out, once they have taken what was sent, and frees the socket. */
  async close(): Promise<void> {
    this.#server.close();
    const flushed = [...this.#clients].map(client => once(client.end(), "close").catch(() => {}));
    await Promise.race([Promise.all(flushed), sleep(FLUSH_MS)]);
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const decoder = new FrameDecoder(MAX_HELLO_BYTES);
    socket.setTimeout(HELLO_TIMEOUT_MS, () => socket.destroy());
    socket.on("data", chunk => {
      try {
        for (const value of decoder.push(chunk)) {
          this.#receive(socket, decoder, parseClientMessage(value));
          if (socket.writableEnded) return;
        }
      } catch (error) {
        refuse(socket, error instanceof Error ? error.message : String(error));
      }
    });
    // A client that is gone is no error of the run; "close" follows.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#ease(socket, false);
      if (this.#clients.delete(socket)) this.#events.clients(this.#clients.size);
    });
  }

  #receive(socket: Socket, decoder: FrameDecoder, message: ClientMessage): void {
    if (message.type === "hello") {
      const objection = this.#objection(message);
      if (objection) refuse(socket, objection);
      else this.#welcome(socket, decoder);
    } else if (!this.#clients.has(socket)) {
      refuse(socket, "Say hello first.");
    } else if (message.type === "stop") {
      this.#events.stop(message.patienceMs);
    } else if (message.type === "ease") {
      this.#ease(socket, message.isEased);
    } else {
      this.#events.control(message.control);
    }
  }

  #ease(client: Socket, isEased: boolean): void {
    const before = this.#easing.size;
    if (isEased) this.#easing.add(client);
    else this.#easing.delete(client);
    if (before > 0 !== this.#easing.size > 0) this.#events.ease(isEased);
  }

  #welcome(socket: Socket, decoder: FrameDecoder): void {
    decoder.allow(MAX_FRAME_BYTES);
    socket.setTimeout(0);
    socket.write(encodeFrame(this.#events.welcome()));
    this.#clients.add(socket);
    this.#events.clients(this.#clients.size);
  }

  /** Why a client is not let in. */
  #objection({ token, version }: Extract<ClientMessage, { type: "hello" }>): string | undefined {
    if (!this.#isToken(token)) return "The token is wrong.";
    if (version === PROTOCOL_VERSION) return undefined;
    return `This run speaks version ${PROTOCOL_VERSION} of the protocol, not ${version}.`;
  }

  #isToken(token: string): boolean {
    const given = Buffer.from(token);
    return given.length === this.#token.length && timingSafeEqual(given, this.#token);
  }
}

function refuse(socket: Socket, reason: string): void {
  socket.end(encodeFrame({ type: "refused", reason } satisfies SidecarMessage));
}
