/** The find bar over a terminal. */

import { h, iconButton } from "./dom";
import type { TerminalView } from "./terminal";
import { mix, type Theme } from "./themes";

const FLAGS = [
  ["caseSensitive", "Aa", "Match case"],
  ["wholeWord", "W", "Whole words"],
  ["regex", ".*", "Regular expression"],
] as const;

export class FindBar {
  readonly element: HTMLElement;
  private readonly field = h("input", {
    type: "search",
    class: "find-field",
    "aria-label": "Find",
    placeholder: "Find",
    spellcheck: "false",
    autocomplete: "off",
  });
  private readonly count = h("span", { class: "find-count", role: "status" });
  private readonly flags: Record<string, boolean> = {};
  private view: TerminalView | null = null;
  private stop: { dispose(): void } | null = null;

  constructor(private readonly theme: () => Theme) {
    const toggles = FLAGS.map(([flag, label, name]) => {
      const button = h("button", { type: "button", class: "find-flag", "aria-pressed": "false", title: name }, label);
      button.setAttribute("aria-label", name);
      button.addEventListener("click", () => {
        this.flags[flag] = !this.flags[flag];
        button.setAttribute("aria-pressed", String(this.flags[flag]));
        this.find("next", true);
      });
      return button;
    });
    this.element = h(
      "div",
      { class: "find-bar", role: "search", hidden: true },
      this.field,
      ...toggles,
      this.count,
      iconButton("Previous match", "up", () => this.find("previous")),
      iconButton("Next match", "down", () => this.find("next")),
      iconButton("Close find", "close", () => this.close()),
    );
    this.field.addEventListener("input", () => this.find("next", true));
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
      else if (event.key === "Enter" && event.target === this.field) {
        this.find(event.shiftKey ? "previous" : "next");
      } else return;
      event.preventDefault();
    });
  }

  open(view: TerminalView): void {
    this.attach(view);
    this.element.hidden = false;
    const selected = view.xterm.getSelection();
    if (selected && !selected.includes("\n")) this.field.value = selected;
    this.field.focus();
    this.field.select();
    if (this.field.value) this.find("next", true);
  }

  close(): void {
    if (this.element.hidden) return;
    const { view } = this;
    this.detach();
    this.element.hidden = true;
    view?.focus();
  }

  private attach(view: TerminalView): void {
    this.detach();
    this.view = view;
    this.stop = view.search.onDidChangeResults(({ resultIndex, resultCount }) => {
      const found = resultCount === 0 ? "No results" : `${resultIndex + 1} of ${resultCount}`;
      this.count.textContent = this.field.value ? found : "";
    });
  }

  private detach(): void {
    this.view?.search.clearDecorations();
    this.stop?.dispose();
    this.view = this.stop = null;
    this.count.textContent = "";
  }

  private find(direction: "next" | "previous", incremental = false): void {
    const { view } = this;
    if (view === null) return;
    const wanted = this.field.value;
    if (!wanted) {
      view.search.clearDecorations();
      this.count.textContent = "";
      return;
    }
    const { background, accent } = this.theme();
    const decorations = {
      matchBackground: mix(background, accent, 0.3),
      matchOverviewRuler: accent,
      activeMatchBackground: mix(background, accent, 0.6),
      activeMatchBorder: accent,
      activeMatchColorOverviewRuler: accent,
    };
    const options = { ...this.flags, decorations };
    this.field.removeAttribute("aria-invalid");
    try {
      if (direction === "next") view.search.findNext(wanted, { ...options, incremental });
      else view.search.findPrevious(wanted, options);
    } catch {
      // A regular expression that is not finished yet.
      this.field.setAttribute("aria-invalid", "true");
      this.count.textContent = "Not an expression";
    }
  }
}
