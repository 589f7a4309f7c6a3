/**
 * Webviews on origins of their own, as every VS Code but this server has them: a desktop and vscode.dev
 * give each webview an origin, so that a page can't reach the workbench's storage and the browser runs it
 * in another process. code-server serves them from the workbench's origin, because it owns one host name.
 */
import type { BrowserContext } from "playwright-core";

/** Browsers take every name below it for this machine, and for a secure context. */
const DOMAIN = "localhost";

/** Gives the webviews of the workbench at this address origins below `localhost`. */
export async function separateWebviews(context: BrowserContext, address: string): Promise<void> {
  const { origin, port } = new URL(address);
  // A page that is answered here comes from no address that the browser knows: it has to be allowed this machine's.
  await context.grantPermissions(["local-network-access"], { origin });
  await context.route(
    url => url.origin === origin && url.pathname === "/",
    async route => {
      const response = await route.fetch();
      const policy = response.headers()["content-security-policy"] ?? "";
      await route.fulfill({
        response,
        headers: {
          ...response.headers(),
          "content-security-policy": policy.replace(
            "frame-src",
            `frame-src http://*.${DOMAIN}:${port}`,
          ),
        },
        body: withOrigins(await response.text(), port),
      });
    },
  );
}

/** The workbench's page, whose settings name a place for webviews; `{{uuid}}` is filled in by VS Code. */
function withOrigins(page: string, port: string): string {
  return page
    .replace(/&quot;webviewEndpoint&quot;:&quot;(.*?)&quot;,/, "")
    .replace(
      "&quot;productConfiguration&quot;:{",
      start =>
        `${start}&quot;webviewContentExternalBaseUrlTemplate&quot;:&quot;http://{{uuid}}.${DOMAIN}:${port}/${endpoint(page)}/&quot;,`,
    );
}

function endpoint(page: string): string {
  const found = /&quot;webviewEndpoint&quot;:&quot;(.*?)&quot;/.exec(page)?.[1];
  if (found === undefined) throw new Error("The server's page names no place for webviews");
  return found;
}
