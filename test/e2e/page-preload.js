/**
 * Runs in the page before its own script, as VS Code's does: sets the tokens of a theme, gives
 * `acquireVsCodeApi`, and watches. `pageOptions` is set by the script before this one.
 */
globalThis.hosting = {
  posts: [],
  violations: [],
  redraws: 0,
  state: pageOptions.state,

  setTheme({ tokens, bodyClass }) {
    const { style } = document.documentElement;
    style.cssText = "";
    for (const [name, value] of Object.entries(tokens))
      style.setProperty(`--vscode-${name}`, value);
    document.body.className = bodyClass;
  },

  /** Sends a message as VS Code does: objects as JSON, columns as typed arrays. */
  send({ json, batches, batch, numbers, losses, curves }) {
    const doubles = text => new Float64Array(Uint8Array.fromBase64(text).buffer);
    const typed = ({ steps, lr, tensors, ...counts }) => ({
      ...counts,
      steps: doubles(steps),
      lr: doubles(lr),
      tensors: Float32Array.from(doubles(tensors)),
    });
    const message = JSON.parse(json);
    for (const [name, columns] of Object.entries(numbers ?? {})) {
      for (const [column, values] of Object.entries(columns)) {
        message.picture[name][column] = doubles(values);
      }
    }
    losses?.forEach((values, i) => {
      message.branches.branches[i].losses = doubles(values);
    });
    if (curves) {
      const columns = curves.columns.map(([name, values]) => [name, doubles(values)]);
      const lr = doubles(curves.lr);
      message.curves = { ...curves, columns: Object.fromEntries(columns), lr };
    }
    if (batches) message.batches = batches.map(typed);
    if (batch) message.batch = typed(batch);
    postMessage(message);
  },

  /** Number of pixels of a chart's canvas whose colour is about that of a token. */
  painted({ chart, token }) {
    return hosting.colored(chart, token).filter(({ alpha }) => alpha > 200).length;
  },

  /**
   * The first and the last column that have a colour faintly, and not fully, as shares of the plot's width;
   * undefined where there are hardly any.
   */
  faint({ chart, token }) {
    const width = document.querySelector(`[data-chart=${chart}] canvas`)?.width ?? 0;
    const pixels = hosting.colored(chart, token);
    const full = new Set(pixels.filter(({ alpha }) => alpha > 200).map(({ x }) => x));
    // 55 % of 255; the edges of a full line have as much in places.
    const faint = pixels.filter(({ x, alpha }) => Math.abs(alpha - 140) < 6 && !full.has(x));
    const columns = [...new Set(faint.map(({ x }) => x))].sort((a, b) => a - b);
    if (columns.length < 50) return undefined;
    const [left, right] = [52 * devicePixelRatio, 14 * devicePixelRatio];
    return [columns[0], columns.at(-1)].map(x => (x - left) / (width - left - right));
  },

  /** Pixels of a chart's canvas that have about the colour of a token: their column, and how opaque they are. */
  colored(chart, token) {
    const canvas = document.querySelector(`[data-chart=${chart}] canvas`);
    // A plot is made when it is first seen, of which the page hears late.
    if (!canvas) return [];
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, copy.width, copy.height);
    const value = getComputedStyle(document.body).getPropertyValue(`--vscode-${token}`);
    const wanted = [1, 3, 5].map(at => Number.parseInt(value.slice(at, at + 2), 16));
    const found = [];
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] > 100 && wanted.every((c, j) => Math.abs(data[i + j] - c) < 8)) {
        found.push({ x: (i / 4) % copy.width, alpha: data[i + 3] });
      }
    }
    return found;
  },

  /**
   * Posts the batches one a frame, as fast as the browser shows frames; gives the milliseconds
   * until the last is drawn.
   */
  async stream(batches, step) {
    const start = performance.now();
    const frame = () => new Promise(requestAnimationFrame);
    for (const batch of batches) {
      hosting.send({ json: '{"type":"steps"}', batch });
      await frame();
    }
    while (!hosting.drawn({ charts: ["loss"], step })) await frame();
    return performance.now() - start;
  },

  /** True if all these charts show the step. */
  drawn({ charts, step }) {
    const shown = id => document.querySelector(`[data-chart="${id}"]`)?.dataset.lastStep;
    return charts.every(id => shown(id) === String(step));
  },
};

addEventListener("securitypolicyviolation", event =>
  hosting.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`),
);
addEventListener("stepscope", event => hosting.posts.push(event.detail));

if (pageOptions.busy) {
  globalThis.IntersectionObserver = class extends IntersectionObserver {
    constructor(callback) {
      const late = [];
      super(entries => late.push(...entries));
      setInterval(() => late.length > 0 && callback(late.splice(0), this), 1000);
    }
  };
}

globalThis.acquireVsCodeApi = () => ({
  postMessage: message => hosting.posts.push(message),
  getState: () => hosting.state,
  setState: state => {
    hosting.state = structuredClone(state);
  },
});

addEventListener("DOMContentLoaded", () => {
  hosting.setTheme(pageOptions.theme);
  new MutationObserver(changes => {
    hosting.redraws += changes.filter(({ target }) => target.dataset.chart === "loss").length;
  }).observe(document.body, {
    attributes: true,
    attributeFilter: ["data-last-step"],
    subtree: true,
  });
});
