/** Keys of a terminal that control the loop that is shown in it. */
import type { ReadStream } from "node:tty";
import type { Control } from "../protocol/control.ts";

/** What the keys do, in a line. */
export const KEYS_HELP = "space pause / resume · s step · d 10 steps · q stop";

export interface KeyTarget {
  readonly isPaused: boolean;
  control(control: Control): void;
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
    case "q":
    case INTERRUPT:
      target.stop();
      break;
  }
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
