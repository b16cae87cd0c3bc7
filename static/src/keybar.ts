/** Keys a phone does not have. Buttons never take the focus, or the soft keyboard folds. */

import { h } from "./dom";

type Latch = "off" | "once" | "locked";

const DOUBLE = 350;
const REPEAT_AFTER = 400;
const REPEAT_EVERY = 60;

/** Arrow keys and the like, by name: in application mode some end differently. */
const SEQUENCES: { readonly [key: string]: string } = {
  Esc: "\x1b",
  Tab: "\t",
  "↑": "A",
  "↓": "B",
  "→": "C",
  "←": "D",
  Home: "H",
  End: "F",
  PgUp: "\x1b[5~",
  PgDn: "\x1b[6~",
};
const KEYS = ["Esc", "Tab", "Ctrl", "Alt", "←", "↑", "↓", "→", "|", "/", "~", "-", "PgUp", "PgDn", "Home", "End", "Paste"];
const NAMES: { readonly [key: string]: string } = {
  Esc: "Escape",
  Ctrl: "Control",
  "↑": "Up",
  "↓": "Down",
  "←": "Left",
  "→": "Right",
  PgUp: "Page up",
  PgDn: "Page down",
  "|": "Pipe",
  "/": "Slash",
  "~": "Tilde",
  "-": "Minus",
};

export interface KeyBarEvents {
  readonly onKey: (data: string) => void;
  readonly onPaste: () => void;
  readonly isApplicationMode: () => boolean;
}

export class KeyBar {
  readonly element = h("div", { class: "keybar", role: "toolbar", "aria-label": "Extra keys", hidden: true });
  private readonly latches: Record<"Ctrl" | "Alt", Latch> = { Ctrl: "off", Alt: "off" };
  private readonly pressed: Record<"Ctrl" | "Alt", number> = { Ctrl: -Infinity, Alt: -Infinity };
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private repeat: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly events: KeyBarEvents) {
    for (const key of KEYS) {
      const button = h(
        "button",
        { type: "button", class: "key", tabindex: "-1", "aria-label": NAMES[key] ?? key },
        key,
      );
      button.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        this.press(key);
      });
      for (const type of ["pointerup", "pointerleave", "pointercancel"] as const) {
        button.addEventListener(type, () => clearTimeout(this.repeat));
      }
      // A click without a pointer comes from assistive technology.
      button.addEventListener("click", (event) => {
        if (event.detail === 0) this.press(key);
        clearTimeout(this.repeat);
      });
      this.buttons.set(key, button);
      this.element.append(button);
    }
    this.show();
  }

  /** What is typed on the soft keyboard, with the latched modifiers put on it. */
  transform(data: string): string {
    const changed = withModifiers(data, this.latches.Ctrl !== "off", this.latches.Alt !== "off");
    for (const key of ["Ctrl", "Alt"] as const) {
      if (this.latches[key] === "once") this.latches[key] = "off";
    }
    this.show();
    return changed;
  }

  private press(key: string): void {
    if (key === "Paste") return this.events.onPaste();
    if (key === "Ctrl" || key === "Alt") return this.latch(key);
    this.send(key);
    clearTimeout(this.repeat);
    if (!"←↑↓→".includes(key) && !key.startsWith("Pg")) return;
    const again = () => {
      this.send(key);
      this.repeat = setTimeout(again, REPEAT_EVERY);
    };
    this.repeat = setTimeout(again, REPEAT_AFTER);
  }

  private send(key: string): void {
    const sequence = SEQUENCES[key] ?? key;
    const isCursor = /^[A-DHF]$/.test(sequence);
    const prefix = this.events.isApplicationMode() ? "\x1bO" : "\x1b[";
    this.events.onKey(this.transform(isCursor ? prefix + sequence : sequence));
  }

  private latch(key: "Ctrl" | "Alt"): void {
    const now = performance.now();
    const double = now - this.pressed[key] < DOUBLE;
    this.pressed[key] = now;
    this.latches[key] = double ? "locked" : this.latches[key] === "off" ? "once" : "off";
    this.show();
  }

  private show(): void {
    for (const key of ["Ctrl", "Alt"] as const) {
      const button = this.buttons.get(key);
      button?.setAttribute("aria-pressed", String(this.latches[key] !== "off"));
      button?.setAttribute("data-latch", this.latches[key]);
    }
  }
}

/** What a terminal sends when these modifiers are held with what was typed. */
export function withModifiers(data: string, ctrl: boolean, alt: boolean): string {
  if (!ctrl && !alt) return data;
  const arrow = /^\x1b[[O]([A-DHF])$/.exec(data);
  if (arrow) return `\x1b[1;${1 + (alt ? 2 : 0) + (ctrl ? 4 : 0)}${arrow[1]}`;
  let key = data;
  if (ctrl && data.length === 1) {
    const code = data.toUpperCase().charCodeAt(0);
    if (data === " ") key = "\0";
    else if (data === "?") key = "\x7f";
    else if (code >= 0x40 && code <= 0x5f) key = String.fromCharCode(code & 0x1f);
    else if (data === "/" || data === "-") key = "\x1f";
  }
  return alt ? `\x1b${key}` : key;
}
