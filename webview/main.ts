import "./panel.css";
import { connectHost } from "./host.ts";
import { parseHostMessage } from "./messages.ts";
import { Panel } from "./panel.ts";

const root = document.getElementById("root");
if (!root) throw new Error('The page has no element with the id "root"');
const host = connectHost();
const panel = new Panel(root, host);
host.listen(value => {
  const message = parseHostMessage(value);
  if (message) panel.receive(message);
});
host.post({ type: "ready" });
