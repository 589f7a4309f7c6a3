/** Keys of a terminal that control the loop that is shown in it. */
import type { ReadStream } from "node:tty";
import type { Control } from "../protocol/control.ts";
import { type Rewindable, stepBackTarget, undoTarget } from "../protocol/rewind.ts";

const KEYS = [
  "space pause / resume",
  "s step",
  "d 10 steps",
  "f to a finding",
  "n find NaN",
  "l loss here",
  "b back",
  "u undo",
  "q stop",
];

/** What the keys do, in as few lines of so many columns as they need. */
export function keysHelp(columns: number): string[] {
  const lines: string[] = [];
  for (const key of KEYS) {
    const longer = `${lines.at(-1)} · ${key}`;
    if (lines.length > 0 && longer.length <= columns) lines[lines.length - 1] = longer;
    else lines.push(key);
  }
  return lines;
}

export interface KeyTarget {
  readonly isPaused: boolean;
  /** What the run can go back to; undefined before anything is known of it. */
  readonly run: Rewindable | undefined;
  control(control: Control): void;
  /** Tells who pressed the key something. */
  say(text: string): void;
  stop(): void;
}

/** Does what a key means; keys without a meaning do nothing. */
export function pressKey(key: string, target: KeyTarget): void {
  switch (key) {
    case " ":
    case "p":
      target.control({ type: target.isPaused ? "resume" : "pause" });
      break;
    case "s":
    case "\r":
      target.control({ type: "step", count: 1 });
      break;
    case "d":
      target.control({ type: "step", count: 10 });
      break;
    case "f":
      target.control({ type: "runToFinding" });
      break;
    case "n":
      target.control({ type: "locateNonFinite" });
      break;
    case "l":
      target.control({ type: "draw", view: "line" });
      break;
    case "b":
      goBack(stepBackTarget, target, "There is no kept step to go back to.");
      break;
    case "u":
      goBack(undoTarget, target, "There is no change to take back.");
      break;
    case "q":
    case INTERRUPT:
      target.stop();
      break;
  }
}

function goBack(
  target: (run: Rewindable) => number | undefined,
  to: KeyTarget,
  objection: string,
): void {
  const step = to.run && target(to.run);
  if (step === undefined) to.say(objection);
  else to.control({ type: "rewind", step });
}

/** Ctrl-C: a terminal that hands over every key makes no signal of it. */
const INTERRUPT = "\x03";

/** Takes the keys of a terminal. Returns what gives it back. */
export function listenToKeys(terminal: ReadStream, target: KeyTarget): () => void {
  const listener = (text: string): void => {
    for (const key of text) pressKey(key, target);
  };
  terminal.setRawMode(true).setEncoding("utf8").on("data", listener).resume();
  return () => {
    terminal.off("data", listener).setRawMode(false).pause();
  };
}
