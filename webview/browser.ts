/** Connects the page to the server that serves it to an ordinary browser. Runs before the page. */
import type { FromPageMessage } from "../runtime/protocol/page.ts";
import { messageFromText } from "../runtime/protocol/text.ts";
import { element } from "./dom.ts";
import { dark, highContrast, highContrastLight, light, type PageTheme } from "./themes.ts";

/** What tells this page from others of the same server. */
const name = crypto.randomUUID();

/** Messages to the page; opened again whenever the page asks for everything. */
let feed: EventSource | undefined;

const gone = element("p", {
  class: "connection",
  text: "The server has gone. Start stepscope view again; this page shows what came until then.",
  attributes: { role: "status", hidden: "" },
});

function openFeed(): void {
  feed?.close();
  feed = new EventSource(`feed?${name}`);
  feed.onopen = () => {
    gone.hidden = true;
  };
  feed.onerror = () => {
    gone.hidden = false;
  };
  feed.onmessage = ({ data }) => postMessage(messageFromText(String(data)), origin);
}

addEventListener("stepscope", event => {
  const message = (event as CustomEvent<FromPageMessage>).detail;
  if (message.type === "ready") openFeed();
  else void fetch(`posts?${name}`, { method: "POST", body: JSON.stringify(message) });
});

/** What VS Code would set on the page in the theme that the user's system asks for. */
function setTheme(): void {
  const { bodyClass, tokens } = preferredTheme();
  for (const [name, value] of Object.entries(tokens)) {
    document.documentElement.style.setProperty(`--vscode-${name}`, value);
  }
  document.documentElement.style.colorScheme = bodyClass.includes("light") ? "light" : "dark";
  document.body.className = bodyClass;
}

function preferredTheme(): PageTheme {
  const prefersLight = matchMedia("(prefers-color-scheme: light)").matches;
  if (matchMedia("(prefers-contrast: more)").matches) {
    return prefersLight ? highContrastLight : highContrast;
  }
  return prefersLight ? light : dark;
}

for (const query of ["(prefers-color-scheme: light)", "(prefers-contrast: more)"]) {
  matchMedia(query).addEventListener("change", setTheme);
}
setTheme();
document.body.prepend(gone);
