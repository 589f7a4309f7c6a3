import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { json } from "node:stream/consumers";
import type { FromPageMessage, ToPageMessage } from "../protocol/page.ts";
import { messageToText } from "../protocol/text.ts";
import { pageHtml } from "./html.ts";
import { parsePageMessage } from "./pageMessages.ts";

/** What keeps one page up to date. */
export interface Session {
  start(): Promise<void>;
  receive(message: FromPageMessage): void;
  dispose(): void;
}

export interface PageServerOptions {
  /** Folder of the built page: dist/webview. */
  readonly assets: string;
  /** What an earlier page let be kept. */
  view(): string | undefined;
  /** A page has opened. `post` resolves when it can take more. */
  open(post: (message: ToPageMessage) => Promise<void>): Session;
}

const LOOPBACK = "127.0.0.1";
const MAX_POST_BYTES = 512 * 1024;
const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".ttf": "font/ttf",
};

/**
 * Serves the page to browsers of this machine. Whoever has no token in the address gets nothing, and
 * neither does a site whose name was pointed at this machine (DNS rebinding).
 *
 *   GET  /TOKEN/        the page
 *   GET  /TOKEN/FILE    its script, style and fonts
 *   GET  /TOKEN/feed?NAME    messages to the page of this name, as server-sent events
 *   POST /TOKEN/posts?NAME   a message of that page
 */
export class PageServer {
  readonly #options: PageServerOptions;
  readonly #token = randomBytes(16).toString("hex");
  readonly #server: Server;
  /** By the names that their pages give themselves. */
  readonly #sessions = new Map<string, Session>();

  constructor(options: PageServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** Resolves to the address when browsers can connect. */
  async listen(): Promise<string> {
    this.#server.listen(0, LOOPBACK);
    await once(this.#server, "listening");
    return `http://${this.#host}/${this.#token}/`;
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) session.dispose();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  get #host(): string {
    return `${LOOPBACK}:${(this.#server.address() as AddressInfo).port}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader("x-content-type-options", "nosniff");
    response.setHeader("referrer-policy", "no-referrer");
    response.setHeader("cache-control", "no-store");
    const [path = "", page = ""] = (request.url ?? "").split("?");
    const [, token, name = "", ...others] = path.split("/");
    if (request.headers.host !== this.#host || token !== this.#token || others.length > 0) {
      response.writeHead(403).end();
      return;
    }
    try {
      switch (`${request.method} ${name}`) {
        case "GET ":
          response.setHeader("content-type", "text/html; charset=utf-8");
          response.end(html(this.#options.view()));
          break;
        case "GET feed":
          await this.#feed(page, response);
          break;
        case "POST posts":
          await this.#receive(page, request, response);
          break;
        default:
          await this.#file(request, response, name);
      }
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  }

  /** One page at the other end: its session lasts as long as the answer. */
  async #feed(page: string, response: ServerResponse): Promise<void> {
    response.setHeader("content-type", "text/event-stream");
    // Answers to what the page asks go between the messages that it gets anyway: all wait for one.
    let room: Promise<void> | undefined;
    const session = this.#options.open(async message => {
      if (response.writable && !response.write(`data: ${messageToText(message, toBase64)}\n\n`)) {
        room ??= roomIn(response).finally(() => {
          room = undefined;
        });
        await room;
      }
    });
    this.#sessions.set(page, session);
    response.once("close", () => {
      // The page may have opened another meanwhile.
      if (this.#sessions.get(page) === session) this.#sessions.delete(page);
      session.dispose();
    });
    await session.start();
  }

  async #receive(page: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (Number(request.headers["content-length"] ?? Infinity) > MAX_POST_BYTES) {
      response.writeHead(413).end();
      return;
    }
    const message = parsePageMessage(await json(request).catch(() => undefined));
    if (message) this.#sessions.get(page)?.receive(message);
    response.writeHead(message ? 204 : 400).end();
  }

  async #file(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    const type = TYPES[extname(name)];
    if (request.method !== "GET" || !type || !/^[\w.-]+$/.test(name)) {
      response.writeHead(404).end();
      return;
    }
    const bytes = await readFile(join(this.#options.assets, name)).catch(() => undefined);
    if (bytes) response.setHeader("content-type", type);
    response.writeHead(bytes ? 200 : 404).end(bytes);
  }
}

function toBase64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

/** Resolves when more can be written, or nothing can any longer. */
async function roomIn(response: ServerResponse): Promise<void> {
  const done = new AbortController();
  const { signal } = done;
  await Promise.race([once(response, "drain", { signal }), once(response, "close", { signal })]);
  // The one that did not come is no longer listened for.
  done.abort();
}

/** Addresses are relative to the page's own, which has the token. */
function html(view: string | undefined): string {
  return pageHtml({
    cspSource: "'self'",
    connects: true,
    scripts: ["browser.js", "panel.js"],
    styles: ["panel.css"],
    language: "en",
    view,
  });
}
