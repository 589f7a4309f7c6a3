/**
 * `npm run bench:editor`: what the extension costs the editor: activation, the lens of a long file,
 * and the frames of key strokes while a loop trains.
 */
import { loadavg } from "node:os";
import { measure, measureActivation } from "./editor/measure.ts";
import { measureTyping, PLACES } from "./editor/typing.ts";
import { table } from "./table.ts";

const STARTS = 5;
const TYPING_SECONDS = 20;
const TYPING_TURNS = 3;

/** A frame that comes later is one that a typist sees being late. */
const LATE_MS = 50;

/** Processes that wanted a core in the last minute: other work makes every figure worse. */
const load = loadavg()[0] ?? 0;
const empty: number[] = [];
const ours: number[] = [];
const code: number[] = [];
for (let i = 0; i < STARTS; i++) {
  empty.push((await measureActivation("empty")).total);
  const activation = await measureActivation("ours");
  ours.push(activation.total);
  code.push(activation.load);
}
const { changed = [], unseen = [], window = [], control = [] } = await measure("lens");
const typing = await measureTyping(TYPING_SECONDS, TYPING_TURNS);
const rows = [
  { what: "Load and activate, as VS Code reports it", samples: ours, goal: "≤ 60 ms" },
  { what: "of which loading the code", samples: code, goal: "" },
  { what: "the same of an empty extension", samples: empty, goal: "" },
  { what: "Lens of a changed file of 5,000 lines", samples: changed, goal: "≤ 10 ms" },
  { what: "the same of a file that was never seen", samples: unseen, goal: "" },
  { what: "A changed file, asked by way of the window", samples: window, goal: "" },
  { what: "the same of a file that does not train", samples: control, goal: "" },
  {
    what: "Key stroke to frame while a loop trains",
    samples: typing.training,
    goal: "≤ 50 ms, all",
  },
  { what: "the same while none does", samples: typing.resting, goal: "" },
  { what: "the same in a window without the extension", samples: typing.without, goal: "" },
];
console.log(`\n${table(rows.map(row => ({ ...row, unit: "ms" })))}`);
const late = PLACES.map(place => {
  const frames = typing[place];
  return `${frames.filter(time => time > LATE_MS).length} of ${frames.length} ${place}`;
});
console.log(`\nFrames of keys over ${LATE_MS} ms: ${late.join(", ")}.`);
console.log(`Load before the start: ${load.toFixed(1)}.`);
