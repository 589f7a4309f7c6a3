import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { PageServer } from "../../runtime/page/server.ts";
import type { FromPageMessage } from "../../runtime/protocol/page.ts";

test("what one of two pages asks for is done once", async () => {
  const received: FromPageMessage[] = [];
  const server = new PageServer({
    assets: tmpdir(),
    open: post => ({
      start: () => post({ type: "empty", reason: "none" }),
      receive: message => void received.push(message),
      dispose: () => {},
    }),
  });
  const address = await server.listen();
  const feeds = await Promise.all([fetch(`${address}feed`), fetch(`${address}feed`)]);
  const body = JSON.stringify({ type: "control", control: { type: "step", count: 1 } });
  expect((await fetch(`${address}posts`, { method: "POST", body })).status).toBe(204);
  expect(received).toEqual([{ type: "control", control: { type: "step", count: 1 } }]);
  await server.close();
  await Promise.all(feeds.map(feed => feed.body?.cancel().catch(() => {})));
});
