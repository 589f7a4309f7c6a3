import { describe, expect, it } from "vitest";
import {
  arranged,
  DEFAULT_LAYOUT,
  moved,
  resized,
  shifted,
  switched,
} from "../../webview/charts/layout.ts";
import { lasting, parseViewState } from "../../webview/viewState.ts";

const IDS = ["loss", "norm", "lr", "time"];

describe("the layout of charts", () => {
  it("has pinned charts first, then the chosen order, then the others", () => {
    const layout = { ...DEFAULT_LAYOUT, order: ["lr", "loss"], pinned: ["time"] };
    expect(arranged(IDS, layout)).toEqual(["time", "lr", "loss", "norm"]);
  });

  it("moves a chart before another, or to the end, and keeps the place of charts of other runs", () => {
    const layout = moved({ ...DEFAULT_LAYOUT, order: ["metric:val"] }, IDS, "time", "norm");
    expect(layout.order).toEqual(["loss", "time", "norm", "lr", "metric:val"]);
    expect(arranged(IDS, moved(layout, IDS, "loss", undefined))).toEqual([
      "time",
      "norm",
      "lr",
      "loss",
    ]);
  });

  it("shifts a chart over those that can be seen, and not over an end", () => {
    const hidden = { ...DEFAULT_LAYOUT, hidden: ["norm"] };
    const up = shifted(hidden, IDS, "lr", -1);
    expect(arranged(IDS, up)).toEqual(["lr", "loss", "norm", "time"]);
    expect(shifted(up, IDS, "lr", -1)).toBe(up);
    expect(arranged(IDS, shifted(up, IDS, "lr", 1))).toEqual(["loss", "lr", "norm", "time"]);
    expect(shifted(up, IDS, "time", 1)).toBe(up);
  });

  it("pins, hides, and takes that back", () => {
    const pinned = switched(DEFAULT_LAYOUT, "pinned", "lr");
    expect(pinned.pinned).toEqual(["lr"]);
    expect(switched(pinned, "pinned", "lr")).toEqual(DEFAULT_LAYOUT);
  });

  it("keeps heights within what fits", () => {
    expect(resized(DEFAULT_LAYOUT, "lr", 5).heights).toEqual({ lr: 100 });
    expect(resized(DEFAULT_LAYOUT, "lr", 300.4).heights).toEqual({ lr: 300 });
  });
});

describe("what was kept of a view", () => {
  it("is read as far as it makes sense", () => {
    const layout = {
      order: ["lr", 3],
      pinned: "lr",
      hidden: ["time"],
      heights: { lr: 9, loss: 300 },
    };
    expect(parseViewState({ layout }).layout).toEqual({
      order: ["lr"],
      pinned: [],
      hidden: ["time"],
      heights: { loss: 300 },
      full: undefined,
    });
    expect(parseViewState({ layout: 3 }).layout).toEqual(DEFAULT_LAYOUT);
  });

  it("is nothing that is of one run, and no chart that had the page", () => {
    const state = parseViewState({
      runFolder: "/runs/a",
      zoom: [1, 2],
      smoothing: 0.5,
      layout: { full: "lr", pinned: ["lr"] },
    });
    const kept = lasting(state);
    expect(kept).toMatchObject({ smoothing: 0.5, layout: { pinned: ["lr"], full: undefined } });
    expect(kept).toMatchObject({ runFolder: undefined, zoom: undefined });
  });
});
