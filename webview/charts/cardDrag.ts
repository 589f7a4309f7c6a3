/** CSS pixels along which a pointer is drawn before it means to move a chart. */
const LEAST_DRAG = 6;

export interface CardDragActions {
  /** The cards that can be seen, in order. */
  readonly cards: () => readonly HTMLElement[];
  /** Moves a card before another one, or after all. */
  readonly move: (card: HTMLElement, before: HTMLElement | undefined) => void;
}

/** Moves a card that is drawn by its title; a line shows where it would stand. Escape gives it up. */
export function dragByTitle(card: HTMLElement, title: HTMLElement, actions: CardDragActions): void {
  let start: PointerEvent | undefined;
  let before: HTMLElement | undefined;
  let dragging = false;

  const mark = (target: HTMLElement | undefined) => {
    const cards = actions.cards();
    const last = cards.filter(each => each !== card).at(-1);
    for (const each of cards) {
      each.classList.toggle("drop-before", dragging && each === target && each !== card);
      each.classList.toggle("drop-after", dragging && target === undefined && each === last);
    }
    card.classList.toggle("dragged", dragging);
  };
  const end = () => {
    start = undefined;
    dragging = false;
    mark(undefined);
    removeEventListener("keydown", giveUp, true);
  };
  const giveUp = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    end();
  };

  title.addEventListener("pointerdown", event => {
    if (event.button !== 0) return;
    start = event;
    title.setPointerCapture(event.pointerId);
    addEventListener("keydown", giveUp, true);
  });
  title.addEventListener("pointermove", event => {
    if (!start) return;
    const way = Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY);
    dragging ||= way >= LEAST_DRAG;
    if (!dragging) return;
    before = actions.cards().find(each => isBefore(event, each.getBoundingClientRect()));
    mark(before);
  });
  title.addEventListener("pointerup", () => {
    const moves = dragging && before !== card;
    const target = before;
    end();
    if (moves) actions.move(card, target);
  });
  title.addEventListener("pointercancel", end);
}

/** True if the pointer stands before the middle of a box, as one reads. */
function isBefore({ clientX, clientY }: PointerEvent, box: DOMRect): boolean {
  if (clientY < box.top) return true;
  return clientY <= box.bottom && clientX < box.left + box.width / 2;
}

/** Resizes by a handle: tells the height while it is drawn, and at its end. */
export function dragHeight(
  handle: HTMLElement,
  plot: HTMLElement,
  changed: (height: number) => void,
): void {
  let start: { readonly y: number; readonly height: number } | undefined;
  handle.addEventListener("pointerdown", event => {
    if (event.button !== 0) return;
    // To the plot, a drag means to zoom.
    event.stopPropagation();
    start = { y: event.clientY, height: plot.offsetHeight };
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", ({ clientY }) => {
    if (start) changed(start.height + clientY - start.y);
  });
  for (const end of ["pointerup", "pointercancel"] as const) {
    handle.addEventListener(end, () => {
      start = undefined;
    });
  }
}
