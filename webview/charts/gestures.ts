import type { Range } from "../data/scale.ts";
import { element } from "../dom.ts";

/** CSS pixels along which a pointer is drawn before it means an axis. */
const LEAST_DRAG = 12;

/** How much of a domain a notch of the wheel, of about 100 units, takes away. */
const WHEEL = 0.002;

/** A rectangle in CSS pixels, within an element. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface GestureActions {
  /** Where the data are drawn. */
  readonly area: () => Area;
  /** Zooms to parts of the axes as they are drawn: shares from their begins, or undefined for what stays. */
  readonly zoom: (x: Range | undefined, y: Range | undefined) => void;
  /** Shows a part of the x axis as it was asked for last: several notches may come before one is drawn. */
  readonly go: (x: Range) => void;
  readonly reset: () => void;
}

interface Drag {
  readonly pointer: number;
  readonly x: number;
  readonly y: number;
}

/**
 * Drags and wheels over a plot. A drag along one axis zooms that, one across both zooms both; Escape
 * gives it up and a double click shows everything. The wheel zooms x at the pointer while Ctrl or ⌘
 * is held (as a pinch does), and moves along x while Shift is, so that it else scrolls the page.
 */
export class Gestures {
  private readonly root: HTMLElement;
  private readonly actions: GestureActions;
  private readonly box = element("div", { class: "zoom-box", attributes: { hidden: "" } });
  private drag: Drag | undefined;

  constructor(root: HTMLElement, actions: GestureActions) {
    this.root = root;
    this.actions = actions;
    root.append(this.box);
    root.addEventListener("pointerdown", event => this.begin(event));
    root.addEventListener("pointermove", event => this.drag && this.showBox(this.parts(event)));
    root.addEventListener("pointerup", event => this.end(event));
    root.addEventListener("pointercancel", () => this.cancel());
    root.addEventListener("dblclick", actions.reset);
    root.addEventListener("wheel", event => this.wheel(event), { passive: false });
  }

  /** Gives up a drag; false if there is none. */
  cancel(): boolean {
    const { drag } = this;
    this.drag = undefined;
    this.box.hidden = true;
    return drag !== undefined;
  }

  private begin(event: PointerEvent): void {
    if (event.button !== 0 || event.pointerType === "touch") return;
    this.drag = { pointer: event.pointerId, ...this.within(event) };
    this.root.setPointerCapture(event.pointerId);
  }

  private end(event: PointerEvent): void {
    if (this.drag?.pointer !== event.pointerId) return;
    const { x, y } = this.parts(event);
    this.cancel();
    if (x || y) this.actions.zoom(x, y);
  }

  /** The shares of the axes over which the pointer was drawn; y from the bottom. */
  private parts(event: PointerEvent): { x?: Range; y?: Range } {
    if (!this.drag) return {};
    const { x, y } = this.within(event);
    const { width, height } = this.actions.area();
    const wide = Math.abs(x - this.drag.x) >= LEAST_DRAG;
    const high = Math.abs(y - this.drag.y) >= LEAST_DRAG;
    const xPart = sorted(x / width, this.drag.x / width);
    const yPart = sorted(1 - y / height, 1 - this.drag.y / height);
    // A hand that draws along one axis strays on the other.
    const flat = Math.abs(y - this.drag.y) < Math.abs(x - this.drag.x) / 4;
    const steep = Math.abs(x - this.drag.x) < Math.abs(y - this.drag.y) / 4;
    return { ...(wide && !steep ? { x: xPart } : {}), ...(high && !flat ? { y: yPart } : {}) };
  }

  private showBox({ x, y }: { x?: Range; y?: Range }): void {
    this.box.hidden = !x && !y;
    const { left, top, width, height } = this.actions.area();
    const [x0, x1] = x ?? [0, 1];
    const [y0, y1] = y ?? [0, 1];
    const { style } = this.box;
    style.left = `${left + x0 * width}px`;
    style.width = `${(x1 - x0) * width}px`;
    style.top = `${top + (1 - y1) * height}px`;
    style.height = `${(y1 - y0) * height}px`;
  }

  private wheel(event: WheelEvent): void {
    const along = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const at = this.within(event).x / this.actions.area().width;
      this.actions.go(scaledAt(at, Math.exp(event.deltaY * WHEEL)));
    } else if (Math.abs(along) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      event.preventDefault();
      const by = along / this.actions.area().width;
      this.actions.go([by, 1 + by]);
    }
  }

  /** The pointer's place in the area, kept within it. */
  private within({ clientX, clientY }: MouseEvent): { x: number; y: number } {
    const box = this.root.getBoundingClientRect();
    const { left, top, width, height } = this.actions.area();
    return {
      x: Math.min(Math.max(clientX - box.left - left, 0), width),
      y: Math.min(Math.max(clientY - box.top - top, 0), height),
    };
  }
}

/** The part of an axis that is `factor` times as wide and has the same point at share `at`. */
export function scaledAt(at: number, factor: number): Range {
  return [at - at * factor, at + (1 - at) * factor];
}

function sorted(a: number, b: number): Range {
  return a < b ? [a, b] : [b, a];
}
