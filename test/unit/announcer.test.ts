import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Announcer } from "../../extension/code/announcer.ts";

const INTERVAL = 500;
const PATIENCE = 10_000;
let announce: ReturnType<typeof vi.fn<() => void>>;
let announcer: Announcer;

beforeEach(() => {
  vi.useFakeTimers();
  announce = vi.fn();
  announcer = new Announcer(INTERVAL, announce);
});
afterEach(() => {
  announcer.dispose();
  vi.useRealTimers();
});

/** Something changes every 50 milliseconds. */
function changing(milliseconds: number): void {
  for (let at = 0; at < milliseconds; at += 50) {
    announcer.changed();
    vi.advanceTimersByTime(50);
  }
}

test("a change is announced at once", () => {
  announcer.changed();
  expect(announce).toHaveBeenCalledTimes(1);
});

test("changes without end are announced once until there is an answer, and not before it is heard", () => {
  changing(5000);
  expect(announce).toHaveBeenCalledTimes(1);
  announcer.answered();
  // The question took five seconds to come, so the answer may take as long to arrive.
  changing(4950);
  expect(announce).toHaveBeenCalledTimes(1);
  changing(50);
  expect(announce).toHaveBeenCalledTimes(2);
});

test("answered at once, they are announced once an interval", () => {
  announce.mockImplementation(() => announcer.answered());
  changing(10 * INTERVAL);
  expect(announce).toHaveBeenCalledTimes(1 + 10);
});

test("asked without an announcement, it also rests", () => {
  announcer.answered();
  announcer.changed();
  expect(announce).not.toHaveBeenCalled();
  vi.advanceTimersByTime(INTERVAL);
  expect(announce).toHaveBeenCalledTimes(1);
});

test("the last change is never lost, whenever the answer comes", () => {
  announcer.changed();
  announcer.changed();
  announcer.answered();
  expect(announce).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(INTERVAL);
  expect(announce).toHaveBeenCalledTimes(2);
  announcer.answered();
  vi.advanceTimersByTime(10 * INTERVAL);
  expect(announce).toHaveBeenCalledTimes(2);
});

test("an announcement that nobody asks about is made again, but not for ever", () => {
  announcer.changed();
  vi.advanceTimersByTime(PATIENCE);
  expect(announce).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(60 * PATIENCE);
  expect(announce).toHaveBeenCalledTimes(4);
  announcer.changed();
  expect(announce).toHaveBeenCalledTimes(5);
});

test("what changes all the time is announced again when an announcement was lost", () => {
  changing(5 * PATIENCE);
  expect(announce).toHaveBeenCalledTimes(1 + 5);
});
