import type { TensorElements } from "../../runtime/protocol/elements.ts";
import type { RunRecord } from "../../runtime/protocol/run.ts";
import { ColorLegend } from "../charts/colorLegend.ts";
import { Ramp } from "../charts/ramp.ts";
import { button } from "../controls.ts";
import { formatCount, formatExact } from "../data/format.ts";
import type { Range } from "../data/scale.ts";
import { element, setText } from "../dom.ts";
import { readTheme } from "../theme.ts";

/** Elements that a canvas has in one direction at most. */
const MOST_PIXELS = 16_384;

/** CSS pixels: how high the map is before it is scrolled, and how large an element is at most. */
const HEIGHT = 420;
const LARGEST_CELL = 16;

const HINT = "Measure shows the step size of each element in the latest step.";

/** How far below the greatest step the colours reach at most. */
const LOWEST = 1e-6;

/** What the latest step did to each element of a tensor: one cell an element, none left out. */
export class ElementMap {
  readonly root: HTMLElement;
  private readonly measure: (tensor: number) => void;
  private readonly title = element("h2");
  private readonly step = element("span", { class: "chart-value" });
  private readonly button;
  private readonly legend = new ColorLegend();
  private readonly said = element("p", { class: "elements-said", attributes: { role: "status" } });
  private readonly canvas = element("canvas", {
    attributes: {
      tabindex: "0",
      role: "img",
      "aria-keyshortcuts": "ArrowLeft ArrowRight ArrowUp ArrowDown",
    },
  });
  private readonly box = element("div", { class: "elements-box" }, this.canvas);
  private run: RunRecord | undefined;
  private tensor = 0;
  private elements: TensorElements | undefined;
  private isAsked = false;
  private columns = 1;
  private cell = 0;
  /** The element that was pointed at last. */
  private current = 0;

  constructor(measure: (tensor: number) => void) {
    this.measure = measure;
    this.button = button("Measure", "refresh", () => this.ask());
    this.root = element(
      "section",
      { class: "elements", attributes: { "aria-label": "Elements of a tensor" } },
      element("header", { class: "chart-head" }, this.title, this.step, this.button),
      this.legend.root,
      this.said,
      this.box,
    );
    this.canvas.addEventListener("pointermove", event => this.pointAt(event));
    this.canvas.addEventListener("keydown", event => this.move(event));
  }

  /** Shows what can be measured of a run's chosen tensor, and measures it where another is chosen. */
  showRun(run: RunRecord, chosen: string | undefined): void {
    const isNew = run.id !== this.run?.id;
    const found = run.tensors.findIndex(({ name }) => name === chosen);
    const tensor = Math.max(0, found);
    const isOther = tensor !== this.tensor;
    this.run = run;
    this.tensor = tensor;
    const { name } = run.tensors[tensor] ?? {};
    this.root.hidden = name === undefined;
    setText(this.title, `Elements of ${name ?? ""}`);
    if (isNew || isOther) this.clear();
    const problem = this.problem();
    this.button.hidden = problem !== "";
    // A run that ends does not answer any more.
    if (problem !== "") this.isAsked = false;
    if (!this.elements && !this.isAsked) setText(this.said, problem || HINT);
    if (isOther && !isNew && problem === "") this.ask();
  }

  /** Asks for the elements of the chosen tensor. */
  ask(): void {
    const problem = this.problem();
    setText(this.said, problem || "Measuring behind the next step…");
    if (problem !== "") return;
    this.isAsked = true;
    this.measure(this.tensor);
  }

  /** Shows what was measured, if it is of the tensor that is chosen. */
  show(elements: TensorElements): void {
    if (elements.tensor !== this.tensor) return;
    this.elements = elements;
    this.isAsked = false;
    setText(this.step, `step ${formatCount(elements.step)}`);
    const { problem } = elements;
    setText(this.said, problem ?? this.describeAll(elements));
    this.box.hidden = problem !== undefined;
    if (problem === undefined) this.draw();
    else this.legend.show(undefined);
  }

  /** Draws anew in the colours of the theme as it is now. */
  retheme(): void {
    this.draw();
  }

  private clear(): void {
    this.elements = undefined;
    this.isAsked = false;
    this.box.hidden = true;
    this.legend.show(undefined);
    setText(this.step, "");
  }

  /** Why nothing can be measured; empty if it can. */
  private problem(): string {
    if (this.run?.status !== "running") {
      return "The run has ended. What a step did to each element is known while its process lives.";
    }
    return this.run.tensors[this.tensor]?.optimizer === "custom"
      ? "This tensor is updated by the script itself: its steps are not known by element."
      : "";
  }

  private draw(): void {
    const { elements, run } = this;
    const shape = run?.tensors[this.tensor]?.shape ?? [];
    if (!elements || elements.problem !== undefined) return;
    const { stepSizes } = elements;
    this.columns = columnsOf(shape, stepSizes.length);
    const rows = Math.ceil(stepSizes.length / this.columns);
    this.canvas.width = this.columns;
    this.canvas.height = rows;
    const { clientWidth } = this.box;
    const room = Math.min(LARGEST_CELL, clientWidth / this.columns, HEIGHT / rows);
    // Never smaller than a pixel of the device: the map is scrolled instead.
    this.cell = Math.max(1 / devicePixelRatio, room < 1 ? 0 : Math.floor(room));
    this.canvas.style.width = `${this.columns * this.cell}px`;
    this.canvas.style.height = `${rows * this.cell}px`;
    this.paint(stepSizes, rows);
  }

  private paint(sizes: Float32Array, rows: number): void {
    const ramp = new Ramp(readTheme());
    const [low, high] = rangeOf(sizes);
    const domain: Range = [Math.max(low, high * LOWEST), high];
    const image = new ImageData(this.columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    const pixelOf = ramp.over(domain);
    let isOdd = false;
    for (const [i, size] of sizes.entries()) {
      const odd = !Number.isFinite(size);
      isOdd ||= odd;
      if (odd) pixels[i] = ramp.alarm;
      else if (size > 0) pixels[i] = pixelOf(size);
    }
    this.canvas.getContext("2d")?.putImageData(image, 0, 0);
    this.legend.show({ stops: ramp.stops, domain, isOdd, note: "|Δθ|, empty where it is 0" });
  }

  private describeAll({ stepSizes }: TensorElements): string {
    const [low, high] = rangeOf(stepSizes);
    const still = stepSizes.filter(size => size === 0).length;
    const odd = stepSizes.filter(size => !Number.isFinite(size)).length;
    const range =
      low <= high ? `from ${formatExact(low)} to ${formatExact(high)}` : "none greater than 0";
    return `${formatCount(stepSizes.length)} elements: ${range}, ${formatCount(still)} did not move, ${formatCount(odd)} not finite.`;
  }

  private pointAt(event: PointerEvent): void {
    const { left, top } = this.canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - left) / this.cell);
    const row = Math.floor((event.clientY - top) / this.cell);
    if (column >= 0 && column < this.columns && row >= 0) this.say(row * this.columns + column);
  }

  private move(event: KeyboardEvent): void {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[
      event.key
    ];
    if (by === undefined) return;
    event.preventDefault();
    this.say(this.current + by);
  }

  /** Says what one element did. */
  private say(index: number): void {
    const size = this.elements?.stepSizes[index];
    if (size === undefined) return;
    this.current = index;
    const shape = this.run?.tensors[this.tensor]?.shape ?? [];
    setText(this.said, `[${placeOf(index, shape).join(", ")}]: ${formatExact(size)}`);
  }
}

/** Least and greatest of the positive, finite numbers; [∞, −∞] if there is none. */
function rangeOf(sizes: Float32Array): Range {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const size of sizes) {
    if (!(size > 0) || size === Number.POSITIVE_INFINITY) continue;
    if (size < low) low = size;
    if (size > high) high = size;
  }
  return [low, high];
}

/** Columns of a map: a matrix has its own, what is longer than a canvas is as wide as high. */
function columnsOf(shape: readonly number[], elements: number): number {
  const rows = shape.length > 1 ? (shape[0] ?? 1) : 1;
  const columns = elements / rows;
  const fits = Number.isInteger(columns) && rows <= MOST_PIXELS && columns <= MOST_PIXELS;
  const isVector = rows === 1 && columns > 64;
  return fits && !isVector ? Math.max(1, columns) : Math.ceil(Math.sqrt(elements));
}

/** The indices of an element in a tensor of this shape. */
function placeOf(index: number, shape: readonly number[]): number[] {
  let rest = index;
  return shape
    .toReversed()
    .map(size => {
      const at = rest % size;
      rest = Math.floor(rest / size);
      return at;
    })
    .reverse();
}
