/** Links a program printed: three schemes, shown before they are opened, never with an opener. */

import { h } from "./dom";

const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const MAX_SHOWN = 300;

/** The address if it may be opened. */
export function allowedLink(uri: string): string | null {
  try {
    const url = new URL(uri);
    return SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Opens with Ctrl or Cmd held, or after a question on a touch screen. */
export function openLink(event: MouseEvent, uri: string): void {
  const href = allowedLink(uri);
  if (href === null) return;
  const touch = matchMedia("(pointer: coarse)").matches;
  if (!event.ctrlKey && !event.metaKey && !(touch && confirm(`Open ${href}?`))) return;
  window.open(href, "_blank", "noopener,noreferrer");
}

/** Says where the link under the pointer really goes. */
export class LinkHint {
  readonly element = h("div", { class: "link-hint", role: "status", hidden: true });

  show(uri: string, _event: MouseEvent): void {
    const href = allowedLink(uri);
    const keys = navigator.platform.startsWith("Mac") ? "Cmd" : "Ctrl";
    const shown = (href ?? uri).slice(0, MAX_SHOWN);
    this.element.textContent = href ? `${shown}  (${keys}+click opens)` : `${shown}  (not opened)`;
    this.element.hidden = false;
  }

  hide(): void {
    this.element.hidden = true;
  }
}
