/** Modal dialogs on <dialog>: the browser keeps the focus inside and Escape closes. */

import { h, iconButton } from "./dom";

export interface Choice {
  readonly id: string;
  readonly label: string;
  readonly kind?: "primary" | "danger";
}

export interface Question {
  readonly title: string;
  readonly body: readonly (Node | string)[];
  readonly choices: readonly Choice[];
  /** What Escape means. */
  readonly cancel: string;
  readonly wide?: boolean;
  /** Takes the question back, as if it had been cancelled. */
  readonly signal?: AbortSignal;
}

let count = 0;

/** Asks, and resolves with the id of the choice made. */
export function ask(question: Question): Promise<string> {
  return new Promise((resolve) => {
    const titleId = `dialog-${++count}`;
    const dialog = h("dialog", {
      class: question.wide ? "dialog wide" : "dialog",
      "aria-labelledby": titleId,
    });
    const finish = (id: string) => {
      if (!dialog.isConnected) return;
      dialog.close();
      dialog.remove();
      resolve(id);
    };
    const buttons = question.choices.map((choice) =>
      h(
        "button",
        { type: "button", class: `button ${choice.kind ?? ""}`, onclick: () => finish(choice.id) },
        choice.label,
      ),
    );
    dialog.append(
      h(
        "header",
        { class: "dialog-head" },
        h("h2", { id: titleId }, question.title),
        iconButton("Close dialog", "close", () => finish(question.cancel)),
      ),
      h("div", { class: "dialog-body", tabindex: "0", role: "group", "aria-labelledby": titleId }, ...question.body),
      h("footer", { class: "dialog-foot" }, ...buttons),
    );
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      finish(question.cancel);
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) finish(question.cancel);
    });
    question.signal?.addEventListener("abort", () => finish(question.cancel));
    document.body.append(dialog);
    const before = document.activeElement;
    dialog.showModal();
    const primary = question.choices.findIndex((choice) => choice.kind !== undefined);
    const first = dialog.querySelector<HTMLElement>("[autofocus]");
    (first ?? buttons[primary] ?? buttons[0])?.focus();
    dialog.addEventListener("close", () => {
      if (before instanceof HTMLElement) before.focus();
    });
  });
}

/** Short messages at the edge, read out politely, gone by themselves. */
export class Toasts {
  readonly element = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

  show(message: string, options: { action?: string; onAction?: () => void; for?: number } = {}): () => void {
    const toast = h("div", { class: "toast" }, h("span", {}, message));
    const remove = () => toast.remove();
    if (options.action) {
      const onclick = () => {
        remove();
        options.onAction?.();
      };
      toast.append(h("button", { type: "button", class: "link", onclick }, options.action));
    }
    toast.append(iconButton("Dismiss", "close", remove, "icon-button small"));
    this.element.append(toast);
    while (this.element.childElementCount > 4) this.element.firstElementChild?.remove();
    const wait = options.for ?? 6_000;
    if (Number.isFinite(wait)) setTimeout(remove, wait);
    return remove;
  }
}
