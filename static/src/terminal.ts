/** One terminal on the page: xterm.js with its addons, deaf and dumb while muted. */

import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal, type IDisposable } from "@xterm/xterm";

import { isAnswer } from "./answers";
import { parseCopyRequest } from "./clipboard";
import { Listeners, h, takeLiterally } from "./dom";
import type { Screen } from "./draw";
import { forgetGpu, hasGpu } from "./gpu";
import { LinkHint, openLink } from "./links";
import { options } from "./options";
import type { Settings } from "./settings";
import type { Theme } from "./themes";
import { followTouch } from "./touch";

export interface TerminalEvents {
  readonly onInput: (bytes: Uint8Array) => void;
  readonly onPaste: (text: string, bracketed: boolean) => void;
  readonly onCopyRequest: (text: string) => void;
  readonly onNotice: (message: string) => void;
  readonly onBell: () => void;
  readonly onSelection: (text: string) => void;
  readonly onZoom: (steps: number) => void;
  /** How many rows and columns there is room for. */
  readonly onRoom: (rows: number, columns: number) => void;
  /** True: these keys are a shortcut of the page. */
  readonly isShortcut: (event: KeyboardEvent) => boolean;
}

export interface Room {
  readonly rows: number;
  readonly columns: number;
}

const RESIZE_PAUSE = 100;

export class TerminalView implements Screen {
  readonly element: HTMLElement;
  readonly xterm: Terminal;
  readonly search = new SearchAddon({ highlightLimit: 1_000 });
  /** The last character typed by modifiers of the key bar passes through here. */
  transform: (data: string) => string = (data) => data;
  room: Room | null = null;
  private readonly host = h("div", { class: "terminal-host" });
  private readonly fit = new FitAddon();
  private readonly hint = new LinkHint();
  private readonly listeners = new Listeners();
  private readonly encoder = new TextEncoder();
  private webgl: IDisposable | null = null;
  private muted = false;
  private answers = true;
  private key = "";
  /** Part of a line a finger has moved so far. */
  private scrolled = 0;
  private opened = false;
  private visible = false;
  private bell: Settings["bell"] = "visual";
  private resizeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    settings: Settings,
    theme: Theme,
    private readonly events: TerminalEvents,
  ) {
    this.element = h("div", { class: "panel", role: "tabpanel", hidden: true }, this.host, this.hint.element);
    const { hint } = this;
    const linked = {
      hover: (event: MouseEvent, uri: string) => hint.show(uri, event),
      leave: () => hint.hide(),
    };
    const activate = (event: MouseEvent, uri: string) => openLink(event, uri);
    this.xterm = new Terminal({
      allowProposedApi: true,
      linkHandler: { activate, ...linked, allowNonHttpProtocols: true },
      macOptionClickForcesSelection: true,
      rescaleOverlappingGlyphs: true,
      rightClickSelectsWord: false,
      scrollOnUserInput: true,
      ...options(settings, theme),
    });
    this.bell = settings.bell;
    this.xterm.loadAddon(this.fit);
    this.xterm.loadAddon(this.search);
    this.xterm.loadAddon(new WebLinksAddon(activate, linked));
    this.xterm.loadAddon(new UnicodeGraphemesAddon());
    this.listen();
  }

  /** Shown, sized and drawn by the GPU if there is one; a hidden terminal holds no context. */
  setVisible(visible: boolean): void {
    this.visible = visible;
    this.element.hidden = !visible;
    if (!visible) return this.dropWebgl();
    if (!this.opened) {
      this.opened = true;
      this.xterm.open(this.host);
      if (this.xterm.textarea) takeLiterally(this.xterm.textarea);
      const observer = new ResizeObserver(() => this.visible && this.measureSoon());
      observer.observe(this.host);
      this.listeners.add({ dispose: () => observer.disconnect() });
    }
    this.measure();
    void this.useWebgl();
  }

  focus(): void {
    this.xterm.focus();
  }

  apply(settings: Settings, theme: Theme): void {
    this.bell = settings.bell;
    Object.assign(this.xterm.options, options(settings, theme));
    if (this.visible) this.measureSoon();
  }

  /** How much fits, told when it has changed. */
  measure(): void {
    clearTimeout(this.resizeTimer);
    const fits = this.fit.proposeDimensions();
    if (!fits || !Number.isFinite(fits.rows) || !Number.isFinite(fits.cols)) return;
    const room = { rows: clamp(fits.rows, 2, 500), columns: clamp(fits.cols, 2, 1000) };
    if (this.room?.rows === room.rows && this.room.columns === room.columns) return;
    this.room = room;
    this.markSize();
    this.events.onRoom(room.rows, room.columns);
  }

  write(bytes: Uint8Array, drawn: () => void): void {
    this.xterm.write(bytes, drawn);
  }

  reset(): void {
    this.xterm.reset();
  }

  resize(rows: number, columns: number): void {
    if (rows !== this.xterm.rows || columns !== this.xterm.cols) this.xterm.resize(columns, rows);
    this.markSize();
  }

  mute(on: boolean): void {
    this.muted = on;
  }

  setAnswers(on: boolean): void {
    this.answers = on;
  }

  freeze(on: boolean): void {
    this.element.classList.toggle("frozen", on);
  }

  /** A bar at the bottom: with nobody at the other end, the page decides the size alone. */
  showBar(bar: HTMLElement): void {
    this.element.append(bar);
    this.element.classList.add("over");
    this.measure();
    if (this.room) this.resize(this.room.rows, this.room.columns);
  }

  get isBracketed(): boolean {
    return this.xterm.modes.bracketedPasteMode;
  }

  get usesWebgl(): boolean {
    return this.webgl !== null;
  }

  dispose(): void {
    clearTimeout(this.resizeTimer);
    this.listeners.dispose();
    this.dropWebgl();
    this.xterm.dispose();
    this.element.remove();
  }

  private listen(): void {
    const { xterm, events, listeners } = this;
    const first = xterm.onWriteParsed(() => {
      performance.mark("gotwist-prompt");
      first.dispose();
    });
    listeners.add(first);
    // Fires just before the data of a key: what looks like an answer may be Shift+F3.
    listeners.add(xterm.onKey(({ key }) => (this.key = key)));
    listeners.add(
      xterm.onData((data) => {
        const isKey = data === this.key;
        this.key = "";
        const answers = !isKey && isAnswer(data);
        if (answers && (this.muted || !this.answers)) return;
        events.onInput(this.encoder.encode(answers ? data : this.transform(data)));
      }),
    );
    listeners.add(
      xterm.onBinary((data) => {
        events.onInput(Uint8Array.from(data, (character) => character.charCodeAt(0) & 0xff));
      }),
    );
    listeners.add(
      xterm.onBell(() => {
        if (this.muted || this.bell === "none") return;
        events.onBell();
        this.flash();
      }),
    );
    listeners.add(
      xterm.parser.registerOscHandler(52, (data) => {
        if (this.muted) return true;
        const wanted = parseCopyRequest(data);
        if (wanted && "text" in wanted) events.onCopyRequest(wanted.text);
        else if (wanted) events.onNotice(wanted.refused);
        return true;
      }),
    );
    xterm.attachCustomKeyEventHandler((event) => !events.isShortcut(event));
    followTouch(this.host, listeners, {
      onZoom: events.onZoom,
      onScroll: (pixels, at) => this.scroll(pixels, at),
    });
    listeners.on(this.host, "mouseup", () => {
      if (xterm.hasSelection()) events.onSelection(xterm.getSelection());
    });
    const onPaste = (event: ClipboardEvent) => {
      event.preventDefault();
      event.stopPropagation();
      const text = event.clipboardData?.getData("text/plain") ?? "";
      if (text) events.onPaste(text, this.isBracketed);
    };
    listeners.on(this.host, "paste", onPaste, true);
  }

  /** History by itself; a program on the whole screen or with the mouse gets its wheel. */
  private scroll(pixels: number, at: { clientX: number; clientY: number }): void {
    const { xterm } = this;
    const screen = xterm.element?.querySelector(".xterm-screen");
    if (xterm.buffer.active.type === "alternate" || xterm.modes.mouseTrackingMode !== "none") {
      const { clientX, clientY } = at;
      const wheel = { deltaY: pixels, clientX, clientY, bubbles: true, cancelable: true };
      screen?.dispatchEvent(new WheelEvent("wheel", wheel));
      return;
    }
    this.scrolled += pixels / ((screen?.clientHeight ?? 0) / xterm.rows || 16);
    const lines = Math.trunc(this.scrolled);
    this.scrolled -= lines;
    if (lines !== 0) xterm.scrollLines(lines);
  }

  private flash(): void {
    this.element.classList.remove("bell");
    // Reading a size restarts the animation.
    void this.element.offsetWidth;
    this.element.classList.add("bell");
  }

  private measureSoon(): void {
    clearTimeout(this.resizeTimer);
    this.resizeTimer = setTimeout(() => this.measure(), RESIZE_PAUSE);
  }

  private markSize(): void {
    const { room, xterm } = this;
    const smaller = room !== null && (xterm.cols < room.columns || xterm.rows < room.rows);
    this.element.classList.toggle("smaller", smaller);
    this.element.dataset["size"] = `${xterm.cols} × ${xterm.rows}`;
  }

  private async useWebgl(): Promise<void> {
    if (this.webgl !== null || !hasGpu()) return;
    try {
      const { WebglAddon } = await import("@xterm/addon-webgl");
      if (!this.visible || this.webgl !== null || !this.xterm.element) return;
      const addon = new WebglAddon();
      addon.onContextLoss(() => this.dropWebgl());
      this.xterm.loadAddon(addon);
      this.webgl = addon;
    } catch {
      // The DOM renderer stays, for good.
      forgetGpu();
    }
  }

  private dropWebgl(): void {
    this.webgl?.dispose();
    this.webgl = null;
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
