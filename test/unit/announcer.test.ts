import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Announcer } from "../../extension/code/announcer.ts";

const INTERVAL = 500;
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

test("a change is announced at once", () => {
  announcer.changed();
  expect(announce).toHaveBeenCalledTimes(1);
});

test("changes without end are announced once, until there is an answer", () => {
  for (let i = 0; i < 100; i++) {
    announcer.changed();
    vi.advanceTimersByTime(50);
  }
  expect(announce).toHaveBeenCalledTimes(1);
  announcer.answered();
  expect(announce).toHaveBeenCalledTimes(2);
});

test("answered at once, they are announced once an interval", () => {
  announce.mockImplementation(() => announcer.answered());
  for (let i = 0; i < 100; i++) {
    announcer.changed();
    vi.advanceTimersByTime(50);
  }
  // Also at the very start.
  expect(announce).toHaveBeenCalledTimes(1 + (100 * 50) / INTERVAL);
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

test("an announcement without an answer is made again, but not for ever", () => {
  announcer.changed();
  vi.advanceTimersByTime(10_000);
  expect(announce).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(600_000);
  expect(announce).toHaveBeenCalledTimes(4);
  announcer.changed();
  expect(announce).toHaveBeenCalledTimes(5);
});

test("what changes all the time is announced again when an announcement was lost", () => {
  for (let i = 0; i < 1000; i++) {
    announcer.changed();
    vi.advanceTimersByTime(50);
  }
  expect(announce).toHaveBeenCalledTimes(1 + (1000 * 50) / 10_000);
});
