/* In the page: when its visible charts are drawn to the end, how often, and how long its tasks take. */
(() => {
  const notes = {
    /** The last step of a run that has ended, which a complete chart shows; the bench sets it. */
    lastStep: "",
    /** Milliseconds from the navigation until all visible charts were complete; 0 before. */
    painted: 0,
    /** Drawings of the chart of the loss. */
    draws: 0,
    /** Milliseconds of each task that took more than 100. */
    longTasks: [],
    gesture,
  };
  window.notes = notes;
  const MARGIN = 8;
  const PATIENCE_MS = 30_000;
  /** Charts that were drawn since the last gesture, when that was, and who waits for it. */
  let drawn = new Set();
  let begin = 0;
  let done = () => {};

  function visible() {
    return [...document.querySelectorAll("[data-chart]")].filter(chart => {
      const { top, bottom } = chart.getBoundingClientRect();
      // A chart of which only a line of pixels is seen may not be drawn.
      return bottom > MARGIN && top < innerHeight - MARGIN && bottom > top;
    });
  }

  function isComplete(chart) {
    const { lastStep } = chart.dataset;
    return lastStep === notes.lastStep && chart.getAttribute("aria-busy") === "false";
  }

  function look() {
    // To ask where charts are takes time, which a page of a run that goes on does not have.
    if (notes.lastStep === "" || (notes.painted > 0 && begin === 0)) return;
    const charts = visible();
    if (charts.length === 0 || !charts.every(isComplete)) return;
    const now = performance.now();
    notes.painted ||= now;
    if (begin === 0 || !charts.every(chart => drawn.has(chart))) return;
    done(now - begin);
    begin = 0;
  }

  /** Turns the wheel over the loss, at a share of its width; resolves to the milliseconds until all is drawn. */
  function gesture(wheel, at) {
    const plot = document.querySelector("[data-chart=loss] .plot");
    const { left, top, width, height } = plot.getBoundingClientRect();
    const place = { clientX: left + at * width, clientY: top + height / 2 };
    return new Promise((resolve, reject) => {
      done = resolve;
      setTimeout(() => {
        const missing = visible().filter(chart => !drawn.has(chart) || !isComplete(chart));
        reject(new Error(`Not drawn: ${missing.map(chart => chart.dataset.chart)}`));
      }, PATIENCE_MS);
      drawn = new Set();
      begin = performance.now();
      const event = { bubbles: true, cancelable: true, ...place, ...wheel };
      plot.dispatchEvent(new WheelEvent("wheel", event));
    });
  }

  new MutationObserver(records => {
    for (const { target, attributeName } of records) {
      if (attributeName === "aria-busy") drawn.add(target);
      else if (target.dataset.chart === "loss") notes.draws += 1;
    }
    look();
  }).observe(document, {
    subtree: true,
    attributes: true,
    attributeFilter: ["data-last-step", "aria-busy"],
  });
  new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) {
      if (duration > 100) notes.longTasks.push(duration);
    }
  }).observe({ type: "longtask" });
})();
