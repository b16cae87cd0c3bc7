/** The tab strip: choosing, naming, closing and ordering, by mouse, touch and keyboard. */

import { h, svgIcon } from "./dom";

export interface TabEvents {
  readonly onSelect: (id: string) => void;
  readonly onClose: (id: string) => void;
  readonly onRename: (id: string, title: string) => void;
  readonly onReorder: (ids: readonly string[]) => void;
}

interface Tab {
  readonly id: string;
  readonly element: HTMLElement;
  readonly label: HTMLElement;
  readonly badge: HTMLElement;
}

const DRAG = 6;

export class TabStrip {
  readonly element = h("div", { class: "tabs", role: "tablist", "aria-label": "Terminals" });
  private tabs: Tab[] = [];
  private active: string | null = null;

  constructor(private readonly events: TabEvents) {
    this.element.addEventListener("keydown", (event) => this.onKey(event));
    this.element.addEventListener("wheel", (event) => {
      if (event.deltaX === 0) this.element.scrollLeft += event.deltaY;
    }, { passive: true });
  }

  get ids(): string[] {
    return this.tabs.map((tab) => tab.id);
  }

  add(id: string, title: string, panel: HTMLElement): void {
    panel.id = `panel-${id}`;
    const label = h("span", { class: "tab-label" }, title);
    const badge = h("span", { class: "tab-badge", hidden: true });
    const close = h("span", { class: "tab-close", "aria-hidden": "true", title: "Close terminal" }, svgIcon("close"));
    const element = h(
      "div",
      {
        class: "tab",
        role: "tab",
        id: `tab-${id}`,
        "aria-controls": panel.id,
        "aria-selected": "false",
        "aria-keyshortcuts": "F2 Delete",
        tabindex: "-1",
        title,
      },
      svgIcon("terminal"),
      label,
      badge,
      close,
    );
    panel.setAttribute("aria-labelledby", element.id);
    // Choosing a tab by mouse means the terminal: the browser would move the focus here after it.
    element.addEventListener("mousedown", (event) => {
      if (!(event.target instanceof HTMLInputElement)) event.preventDefault();
    });
    element.addEventListener("click", (event) => {
      if (close.contains(event.target as Node)) this.events.onClose(id);
    });
    element.addEventListener("auxclick", (event) => {
      if (event.button === 1) this.events.onClose(id);
    });
    element.addEventListener("dblclick", (event) => {
      if (!close.contains(event.target as Node)) this.rename(id);
    });
    element.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && !close.contains(event.target as Node)) this.press(id, event);
    });
    this.tabs.push({ id, element, label, badge });
    this.element.append(element);
  }

  remove(id: string): void {
    this.find(id)?.element.remove();
    this.tabs = this.tabs.filter((tab) => tab.id !== id);
  }

  select(id: string): void {
    this.active = id;
    for (const tab of this.tabs) {
      const chosen = tab.id === id;
      tab.element.setAttribute("aria-selected", String(chosen));
      tab.element.tabIndex = chosen ? 0 : -1;
      if (chosen) {
        this.badge(id, null);
        tab.element.scrollIntoView({ block: "nearest", inline: "nearest" });
      }
    }
  }

  setTitle(id: string, title: string): void {
    const tab = this.find(id);
    if (!tab || tab.label.textContent === title) return;
    tab.label.textContent = title;
    tab.element.title = title;
  }

  /** A mark on a tab nobody looks at, with words for those who do not see it. */
  badge(id: string, kind: "bell" | "ended" | null): void {
    const tab = this.find(id);
    if (!tab) return;
    tab.badge.hidden = kind === null;
    tab.badge.dataset["kind"] = kind ?? "";
    tab.badge.textContent = kind === "bell" ? " (bell)" : kind === "ended" ? " (ended)" : "";
  }

  focus(): void {
    this.element.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
  }

  /** One place to the left (-1) or to the right (1). */
  move(id: string, by: number): void {
    const from = this.tabs.findIndex((tab) => tab.id === id);
    this.place(id, from + by);
    this.events.onReorder(this.ids);
  }

  rename(id: string): void {
    const tab = this.find(id);
    if (!tab || tab.element.querySelector("input")) return;
    const before = tab.label.textContent ?? "";
    const field = h("input", { class: "tab-field", "aria-label": "Name of the terminal", maxlength: "256" });
    field.value = before;
    let done = false;
    const finish = (keep: boolean) => {
      if (done) return;
      done = true;
      field.replaceWith(tab.label);
      tab.element.focus();
      if (keep && field.value !== before) this.events.onRename(id, field.value.trim());
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") finish(true);
      else if (event.key === "Escape") finish(false);
    });
    for (const type of ["pointerdown", "dblclick"] as const) {
      field.addEventListener(type, (event) => event.stopPropagation());
    }
    field.addEventListener("blur", () => finish(true));
    tab.label.replaceWith(field);
    field.focus();
    field.select();
  }

  private find(id: string): Tab | undefined {
    return this.tabs.find((tab) => tab.id === id);
  }

  private place(id: string, to: number): void {
    const tab = this.find(id);
    if (!tab || to < 0 || to >= this.tabs.length) return;
    const focused = document.activeElement === tab.element;
    this.tabs = this.tabs.filter((other) => other !== tab);
    this.tabs.splice(to, 0, tab);
    this.element.insertBefore(tab.element, this.tabs[to + 1]?.element ?? null);
    if (focused) tab.element.focus();
  }

  private press(id: string, down: PointerEvent): void {
    this.events.onSelect(id);
    const tab = this.find(id);
    if (!tab || down.pointerType === "touch") return;
    let dragging = false;
    const onMove = (event: PointerEvent) => {
      if (!dragging && Math.abs(event.clientX - down.clientX) < DRAG) return;
      dragging = true;
      tab.element.classList.add("dragged");
      const others = this.tabs.filter((other) => other !== tab);
      const to = others.filter((other) => {
        const box = other.element.getBoundingClientRect();
        return event.clientX > box.left + box.width / 2;
      }).length;
      if (this.tabs[to] !== tab) this.place(id, to);
    };
    const onUp = () => {
      window.removeEventListener("pointermove", onMove);
      window.removeEventListener("pointerup", onUp);
      window.removeEventListener("pointercancel", onUp);
      tab.element.classList.remove("dragged");
      if (dragging) this.events.onReorder(this.ids);
    };
    window.addEventListener("pointermove", onMove);
    window.addEventListener("pointerup", onUp);
    window.addEventListener("pointercancel", onUp);
  }

  private onKey(event: KeyboardEvent): void {
    const { active } = this;
    if (active === null || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = this.tabs.findIndex((tab) => tab.id === active);
    const steps: Record<string, number> = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      Home: 0,
      End: this.tabs.length - 1,
    };
    const to = steps[event.key];
    if (to !== undefined) {
      const next = this.tabs[(to + this.tabs.length) % this.tabs.length];
      if (next) {
        this.events.onSelect(next.id);
        next.element.focus();
      }
    } else if (event.key === "F2") this.rename(active);
    else if (event.key === "Delete") this.events.onClose(active);
    else if (event.key === "Enter" || event.key === " ") this.events.onSelect(active);
    else return;
    event.preventDefault();
  }
}

/** The order kept from last time; terminals it does not know come last, by number. */
export function restoreOrder(numbers: readonly number[], kept: unknown): number[] {
  const order = Array.isArray(kept) ? kept.filter((value): value is number => numbers.includes(value)) : [];
  const rest = numbers.filter((number) => !order.includes(number)).sort((a, b) => a - b);
  return [...new Set(order), ...rest];
}
