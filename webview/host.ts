import type { FromPageMessage } from "../runtime/protocol/page.ts";
import { element } from "./dom.ts";

/** What the page is shown by: VS Code, or a script that serves it to an ordinary browser. */
export interface Host {
  /** It can train the file again and open it. */
  readonly isEditor: boolean;
  post(message: FromPageMessage): void;
  /** Saves a file: the user says where. */
  save(name: string, content: Blob): Promise<void>;
  /** Calls back with everything that the host sends; it is not checked. */
  listen(received: (message: unknown) => void): void;
  /** What `saveState` kept, also after the page was closed with the window. */
  loadState(): unknown;
  saveState(state: object): void;
}

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare const acquireVsCodeApi: (() => VsCodeApi) | undefined;

/** VS Code where there is one, else the browser. Call it once. */
export function connectHost(): Host {
  return typeof acquireVsCodeApi === "function" ? vsCodeHost(acquireVsCodeApi()) : browserHost();
}

function listen(received: (message: unknown) => void): void {
  addEventListener("message", event => received(event.data));
}

function vsCodeHost(api: VsCodeApi): Host {
  return {
    isEditor: true,
    post: message => api.postMessage(message),
    save: async (name, content) => {
      const bytes = new Uint8Array(await content.arrayBuffer());
      api.postMessage({ type: "savePicture", name, bytes } satisfies FromPageMessage);
    },
    listen,
    loadState: () => api.getState() ?? keptView(),
    saveState: state => api.setState(state),
  };
}

/** What the page posts is a `stepscope` event of the window; state is the history entry's. */
function browserHost(): Host {
  return {
    isEditor: false,
    post: detail => dispatchEvent(new CustomEvent("stepscope", { detail })),
    save: async (name, content) => download(name, content),
    listen,
    loadState: () => history.state ?? keptView(),
    saveState: state => history.replaceState(state, ""),
  };
}

/** What an earlier page let the host keep. */
function keptView(): unknown {
  const { view } = document.getElementById("root")?.dataset ?? {};
  try {
    return view ? JSON.parse(view) : undefined;
  } catch {
    return undefined;
  }
}

function download(name: string, content: Blob): void {
  const href = URL.createObjectURL(content);
  element("a", { attributes: { href, download: name } }).click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
