/** The state of the connection in words, over the terminal so that nothing moves. */

import { h } from "./dom";
import type { SocketState } from "./socket";

/** A connection that is made faster than this is not worth a word. */
const PATIENCE = 500;

export class Banner {
  readonly element: HTMLElement;
  private readonly words = h("span", { class: "banner-text" });
  private readonly countdown = h("span", { class: "banner-count", "aria-hidden": "true" });
  private readonly button: HTMLButtonElement;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly now: () => number,
    onRetry: () => void,
  ) {
    this.button = h("button", { type: "button", class: "button small", onclick: onRetry });
    this.element = h(
      "div",
      { class: "banner", role: "status", "aria-live": "polite", hidden: true },
      h("span", { class: "banner-dot", "aria-hidden": "true" }),
      this.words,
      this.countdown,
      this.button,
    );
  }

  show(state: SocketState, signedIn: boolean): void {
    clearTimeout(this.timer);
    this.countdown.textContent = "";
    switch (state.kind) {
      case "open":
        if (signedIn) this.hide();
        else this.later("Signing in…");
        return;
      case "connecting":
        if (this.element.hidden) this.later("Connecting…");
        else this.set("Connecting…", "busy");
        return;
      case "slow":
        return this.set(`The connection is slow (${(state.rtt / 1000).toFixed(1)} s).`, "slow");
      case "reconnecting":
        return this.count(state.at);
      case "signed-out":
        return this.set("You are signed out. Your terminals go on.", "lost", "Try again");
      case "refused":
        return this.set("You may not use this service.", "lost", "Try again");
    }
  }

  private count(at: number): void {
    const seconds = Math.ceil((at - this.now()) / 1000);
    if (seconds < 1) {
      this.set("Connection lost. Reconnecting…", "lost");
      return;
    }
    this.set("Connection lost. Your terminals go on.", "lost", "Reconnect now");
    const tick = () => {
      const left = Math.max(0, Math.ceil((at - this.now()) / 1000));
      this.countdown.textContent = `Reconnecting in ${left} s`;
      this.timer = setTimeout(tick, 250);
    };
    tick();
  }

  private later(words: string): void {
    this.timer = setTimeout(() => this.set(words, "busy"), PATIENCE);
  }

  private set(words: string, kind: string, action = ""): void {
    // The same words again would be read out again.
    if (this.words.textContent !== words) this.words.textContent = words;
    this.element.dataset["kind"] = kind;
    this.button.hidden = !action;
    this.button.textContent = action;
    this.element.hidden = false;
  }

  private hide(): void {
    this.element.hidden = true;
    this.words.textContent = "";
  }
}

/** What is said when a program has ended. */
export function endingWords(ending: { code: number | null; signal: number | null }): string {
  if (ending.signal) return `The program was ended by signal ${ending.signal}.`;
  if (ending.code === null) return "The program has ended.";
  return `The program ended with exit code ${ending.code}.`;
}

/** The bar under a terminal whose program has ended. */
export function endedBar(words: string, onRestart: () => void, onClose: () => void): HTMLElement {
  return h(
    "div",
    { class: "ended", role: "status" },
    h("span", {}, words),
    h("button", { type: "button", class: "button small primary", onclick: onRestart }, "Restart"),
    h("button", { type: "button", class: "button small", onclick: onClose }, "Close"),
  );
}
