/** Making elements: text goes in as text, never as markup. */

type Attributes = Record<string, string | boolean | EventListener | undefined>;
type Child = Node | string | null;

/** An element; attributes named `on…` are listeners, `true` and `false` set or leave out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

/** A button that shows only an icon and therefore carries a name. */
export function iconButton(
  name: string,
  icon: keyof typeof ICONS,
  onclick: (event: Event) => void,
  className = "icon-button",
): HTMLButtonElement {
  return h(
    "button",
    { type: "button", class: className, "aria-label": name, title: name, onclick },
    svgIcon(icon),
  );
}

const ICONS = {
  plus: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  down: "M4 6l4 4 4-4",
  up: "M4 10l4-4 4 4",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3L14 14",
  sliders: "M2 4.5h7M13 4.5h1M2 11.5h1M7 11.5h7M11 3v3M5 10v3",
  keyboard: "M1.5 4h13v8h-13zM4 6.5h.5M7 6.5h.5M10 6.5h.5M4.5 9.5h7",
  user: "M8 2.5a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4zM2.8 13.5c.6-2.6 2.6-4 5.2-4s4.600 1.400 5.200 4",
  terminal: "M3 4.500l3.500 3.500L3 11.500M8.500 11.500H13",
} as const;

const SVG = "http://www.w3.org/2000/svg";

export function svgIcon(icon: keyof typeof ICONS): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[icon]);
  svg.append(path);
  return svg;
}

/** The same listener lists everywhere: what is registered here is undone in one go. */
export class Listeners {
  private readonly undo: (() => void)[] = [];

  on(target: EventTarget, type: string, listener: (event: never) => void, capture = false): void {
    target.addEventListener(type, listener as EventListener, capture);
    this.undo.push(() => target.removeEventListener(type, listener as EventListener, capture));
  }

  add(disposable: { dispose(): void }): void {
    this.undo.push(() => disposable.dispose());
  }

  dispose(): void {
    for (const undo of this.undo.splice(0)) undo();
  }
}

/** A field whose text no keyboard corrects, completes or capitalises. */
export function takeLiterally(field: HTMLTextAreaElement): void {
  for (const [name, value] of [
    ["autocapitalize", "off"],
    ["autocorrect", "off"],
    ["autocomplete", "off"],
    ["spellcheck", "false"],
    ["inputmode", "text"],
  ] as const) {
    field.setAttribute(name, value);
  }
}
