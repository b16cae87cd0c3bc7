/** A small menu under a button, usable with arrow keys. */

import { h } from "./dom";

export interface MenuItem {
  readonly label: string;
  readonly detail?: string;
  readonly onSelect: () => void;
}

/** Opens under `anchor`; closed by a choice, Escape, Tab or a press elsewhere. */
export function openMenu(anchor: HTMLElement, name: string, items: readonly (MenuItem | string)[]): void {
  document.querySelector<HTMLElement>(".menu")?.dispatchEvent(new Event("dismiss"));
  const menu = h("div", { class: "menu", role: "menu", "aria-label": name, tabindex: "-1" });
  const close = (refocus: boolean) => {
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    if (refocus) anchor.focus();
  };
  const outside = (event: PointerEvent) => {
    if (!menu.contains(event.target as Node)) close(false);
  };
  for (const item of items) {
    if (typeof item === "string") {
      menu.append(h("div", { class: "menu-note" }, item));
      continue;
    }
    const onclick = () => {
      close(true);
      item.onSelect();
    };
    menu.append(
      h(
        "button",
        { type: "button", role: "menuitem", class: "menu-item", tabindex: "-1", onclick },
        h("span", {}, item.label),
        item.detail ? h("small", {}, item.detail) : null,
      ),
    );
  }
  menu.addEventListener("dismiss", () => close(false));
  menu.addEventListener("keydown", (event) => {
    const buttons = [...menu.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) buttons[(at + step + buttons.length) % buttons.length]?.focus();
    else if (event.key === "Home") buttons[0]?.focus();
    else if (event.key === "End") buttons.at(-1)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.body.append(menu);
  const box = anchor.getBoundingClientRect();
  const left = Math.max(4, Math.min(box.left, innerWidth - menu.offsetWidth - 8));
  menu.style.left = `${left}px`;
  menu.style.top = `${box.bottom + 4}px`;
  anchor.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  (menu.querySelector("button") ?? menu).focus();
}
