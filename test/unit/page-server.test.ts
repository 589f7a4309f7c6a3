import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { PageServer } from "../../runtime/page/server.ts";
import type { FromPageMessage } from "../../runtime/protocol/page.ts";

test("what one of two pages asks for is done once, for that page", async () => {
  const received: [page: number, FromPageMessage][] = [];
  let pages = 0;
  const server = new PageServer({
    assets: tmpdir(),
    view: () => '{"x":"epoch"}',
    open: post => {
      const page = ++pages;
      return {
        start: () => post({ type: "empty", heading: "", reason: "none" }),
        receive: message => void received.push([page, message]),
        dispose: () => {},
      };
    },
  });
  const address = await server.listen();
  expect(await (await fetch(address)).text()).toContain(
    'data-view="{&#34;x&#34;:&#34;epoch&#34;}"',
  );
  const feeds = [await fetch(`${address}feed?first`), await fetch(`${address}feed?second`)];
  const body = JSON.stringify({ type: "control", control: { type: "step", count: 1 } });
  expect((await fetch(`${address}posts?second`, { method: "POST", body })).status).toBe(204);
  expect(received).toEqual([[2, { type: "control", control: { type: "step", count: 1 } }]]);
  await server.close();
  await Promise.all(feeds.map(feed => feed.body?.cancel().catch(() => {})));
});
