import { randomBytes } from "node:crypto";

/** What the page needs of its webview, as strings. */
export interface PageResources {
  readonly cspSource: string;
  readonly script: string;
  readonly styles: readonly string[];
  readonly language: string;
}

/** The page: everything is forbidden but our own script, styles, fonts and drawn images. */
export function pageHtml({ cspSource, script, styles, language }: PageResources): string {
  const nonce = randomBytes(16).toString("base64");
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource}`,
    `font-src ${cspSource}`,
    `img-src ${cspSource} data:`,
  ].join("; ");
  const links = styles.map(href => `  <link rel="stylesheet" href="${href}">`).join("\n");
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
  <div id="root"></div>
  <script nonce="${nonce}" src="${script}"></script>
</body>
</html>
`;
}
