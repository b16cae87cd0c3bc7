/** Fingers on a terminal: one scrolls, two change the size of the text. */

import type { Listeners } from "./dom";

/** A finger that moves less than this wants the keyboard, not to scroll. */
const SLACK = 8;
/** How far two fingers spread for one step of the text size. */
const PINCH = 28;

export interface TouchEvents {
  /** Pixels, down being positive, from the finger at this place. */
  readonly onScroll: (pixels: number, at: { clientX: number; clientY: number }) => void;
  readonly onZoom: (steps: number) => void;
}

export function followTouch(host: HTMLElement, listeners: Listeners, events: TouchEvents): void {
  const fingers = new Map<number, PointerEvent>();
  let scrolling = false;
  let spread = 0;

  const distance = () => {
    const [first, second] = [...fingers.values()];
    if (!first || !second) return 0;
    return Math.hypot(first.clientX - second.clientX, first.clientY - second.clientY);
  };
  listeners.on(host, "pointerdown", (event: PointerEvent) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, event);
    scrolling = false;
    spread = distance();
  });
  listeners.on(host, "pointermove", (event: PointerEvent) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    if (fingers.size > 1) {
      fingers.set(event.pointerId, event);
      const steps = Math.trunc((distance() - spread) / PINCH);
      if (steps === 0) return;
      spread += steps * PINCH;
      events.onZoom(steps);
      return;
    }
    const moved = before.clientY - event.clientY;
    if (!scrolling && Math.abs(moved) < SLACK) return;
    scrolling = true;
    fingers.set(event.pointerId, event);
    events.onScroll(moved, event);
  });
  const lift = (event: PointerEvent) => void fingers.delete(event.pointerId);
  for (const type of ["pointerup", "pointercancel"]) listeners.on(window, type, lift);
}
