import { randomBytes } from "node:crypto";

/** What the page needs of its host, as strings. */
export interface PageResources {
  /** Where its files come from, in a Content Security Policy. */
  readonly cspSource: string;
  /** The page talks to that place, too. */
  readonly connects?: boolean;
  /** They run in this order. */
  readonly scripts: readonly string[];
  readonly styles: readonly string[];
  readonly language: string;
  /** What a page before it let its host keep. */
  readonly view?: string | undefined;
}

/** The page: everything is forbidden but our own script, styles, fonts and drawn images. */
export function pageHtml(resources: PageResources): string {
  const { cspSource, connects = false, scripts, styles, language, view = "" } = resources;
  const nonce = randomBytes(16).toString("base64");
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource}`,
    `font-src ${cspSource}`,
    `img-src ${cspSource} data:`,
    ...(connects ? [`connect-src ${cspSource}`] : []),
  ].join("; ");
  const links = styles.map(href => `  <link rel="stylesheet" href="${href}">`).join("\n");
  const runs = scripts.map(src => `  <script nonce="${nonce}" src="${src}"></script>`).join("\n");
  return `<!DOCTYPE html>
<html lang="${language}">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
${links}
  <title>Stepscope</title>
</head>
<body>
  <div id="root" data-view="${escaped(view)}"></div>
${runs}
</body>
</html>
`;
}

/** Text for a place between double quotes. */
function escaped(text: string): string {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`);
}
