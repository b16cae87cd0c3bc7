/** The open terminals: tab, view and stream of each, and which one is looked at. */

import { endedBar, endingWords } from "./banner";
import type { Client } from "./client";
import type { Clock } from "./clock";
import { h } from "./dom";
import type { Attached, TerminalInfo } from "./messages";
import { readJson, writeJson, type Settings, type Store } from "./settings";
import { TerminalStream } from "./stream";
import { TabStrip, restoreOrder } from "./tabs";
import { TerminalView, type TerminalEvents } from "./terminal";
import type { Theme } from "./themes";

export interface Pane {
  readonly id: string;
  readonly view: TerminalView;
  readonly stream: TerminalStream;
  title: string;
  command: string;
  /** Rows and columns the daemon was last told. */
  asked: string;
  attaching: boolean;
  bar: HTMLElement | null;
}

export interface WorkspaceDependencies {
  readonly client: () => Client;
  readonly clock: Clock;
  readonly store: Store | null;
  readonly storeKey: () => string;
  readonly settings: () => Settings;
  readonly theme: () => Theme;
  readonly confirmClose: (title: string) => Promise<boolean>;
  readonly terminalEvents: (pane: () => Pane) => Omit<TerminalEvents, "onRoom" | "onBell">;
  readonly onBell: () => void;
  readonly onActive: (pane: Pane | null) => void;
}

/** Terminals beyond this many are attached only when they are looked at. */
const EAGER = 12;

export class Workspace {
  readonly tabs: TabStrip;
  readonly element = h("main", { class: "panels" });
  active: Pane | null = null;
  private panes = new Map<string, Pane>();
  private count = 0;
  private restored = false;
  private frozen = true;
  private readonly empty: HTMLElement;

  constructor(private readonly its: WorkspaceDependencies) {
    this.tabs = new TabStrip({
      onSelect: (id) => this.select(id),
      onClose: (id) => void this.close(id),
      onRename: (id, title) => this.rename(id, title),
      onReorder: () => this.save(),
    });
    const onclick = () => this.open();
    this.empty = h(
      "div",
      { class: "empty", hidden: true },
      h("p", {}, "No terminal is open."),
      h("button", { type: "button", class: "button primary", onclick }, "New terminal"),
    );
    this.element.append(this.empty);
  }

  get all(): Pane[] {
    return this.tabs.ids.flatMap((id) => this.panes.get(id) ?? []);
  }

  get pendingInput(): number {
    return this.all.reduce((sum, pane) => sum + pane.stream.pendingInput, 0);
  }

  open(command = ""): Pane {
    const pane = this.create(null, command || "Terminal", command);
    this.select(pane.id);
    this.its.client().open(pane.stream, command);
    pane.attaching = true;
    pane.asked = `${pane.stream.rows}x${pane.stream.columns}`;
    return pane;
  }

  select(id: string): void {
    const pane = this.panes.get(id);
    if (!pane) return;
    if (this.active !== pane) {
      this.active?.view.setVisible(false);
      this.active = pane;
      this.tabs.select(id);
      pane.view.setVisible(true);
      if (pane.stream.term !== null) this.attach(pane);
      this.its.onActive(pane);
      this.save();
    }
    pane.view.focus();
  }

  step(by: number): void {
    const { all } = this;
    const at = this.active ? all.indexOf(this.active) : -1;
    const next = all[(at + by + all.length) % all.length];
    if (next) this.select(next.id);
  }

  async close(id: string, asks = this.its.settings().confirmClose): Promise<void> {
    const pane = this.panes.get(id);
    if (!pane) return;
    const runs = pane.stream.ended === null;
    if (runs && asks && !(await this.its.confirmClose(pane.title))) return;
    // Also one whose program has ended: the daemon may still keep its screen.
    if (pane.stream.term !== null) this.its.client().act("terminal:kill_terminal", pane.stream.term);
    this.remove(pane);
  }

  rename(id: string, title: string): void {
    const pane = this.panes.get(id);
    if (!pane || pane.stream.term === null) return;
    this.its.client().act("terminal:manual_title", { term: pane.stream.term, title });
    if (title) this.setTitle(pane, title);
  }

  onTerminals(terminals: readonly TerminalInfo[], gone: readonly TerminalStream[]): void {
    for (const pane of this.all) {
      if (gone.includes(pane.stream)) this.end(pane, "This terminal is no longer there.");
    }
    const known = new Set(this.all.map((pane) => pane.stream.term));
    const fresh = terminals.filter((info) => !known.has(info.number));
    const kept = readJson(this.its.store, this.its.storeKey()) as { order?: unknown; active?: unknown } | null;
    for (const number of restoreOrder(fresh.map((info) => info.number), kept?.order)) {
      const info = fresh.find((candidate) => candidate.number === number);
      if (info) this.create(number, info.title || info.command || `Terminal ${number}`, info.command);
    }
    if (this.restored) {
      // Nothing was open, and now there is something: shown like the first of a fresh page.
      const [alone] = this.all;
      if (!this.active && alone) this.select(alone.id);
      return this.showEmpty();
    }
    this.restored = true;
    const first = this.all.find((pane) => pane.stream.term === kept?.active) ?? this.all[0];
    if (first) this.select(first.id);
    else this.open();
    for (const pane of this.all.slice(0, EAGER)) this.attach(pane);
  }

  onOpenFailed(stream: TerminalStream, message: string): void {
    const pane = this.byStream(stream);
    if (pane) this.end(pane, message);
  }

  onTitle(term: number, title: string): void {
    const pane = this.byTerm(term);
    if (pane) this.setTitle(pane, title || pane.command || `Terminal ${term}`);
  }

  /** The daemon has forgotten this terminal. */
  onGone(term: number): void {
    const pane = this.byTerm(term);
    if (!pane) return;
    this.its.client().forget(pane.stream);
    if (pane.stream.ended === null) this.remove(pane);
    else pane.stream.term = null;
  }

  onReset(term: number): void {
    this.byTerm(term)?.view.reset();
  }

  /** While the connection is away the screens stay, visibly asleep. */
  freeze(on: boolean): void {
    this.frozen = on;
    for (const pane of this.all) pane.view.freeze(on);
  }

  apply(settings: Settings, theme: Theme): void {
    for (const pane of this.all) pane.view.apply(settings, theme);
  }

  private create(term: number | null, title: string, command: string): Pane {
    const { its } = this;
    const id = String(++this.count);
    const view: TerminalView = new TerminalView(its.settings(), its.theme(), {
      ...its.terminalEvents(() => pane),
      onRoom: (rows, columns) => this.onRoom(pane, rows, columns),
      onBell: () => {
        its.onBell();
        if (this.active !== pane || document.hidden) this.tabs.badge(id, "bell");
      },
    });
    const stream = new TerminalStream(term, {
      screen: view,
      clock: its.clock,
      sendFrame: (frame) => its.client().sendFrame(frame),
      attach: (request) => its.client().act("terminal:new_terminal", request),
      onAttached: (attached) => this.onAttached(pane, attached),
      onEnded: (ending) => this.end(pane, endingWords(ending)),
    });
    const pane: Pane = { id, view, stream, title, command, asked: "", attaching: false, bar: null };
    const room = this.active?.view.room;
    if (room) Object.assign(stream, room);
    this.panes.set(id, pane);
    this.tabs.add(id, title, view.element);
    this.element.append(view.element);
    view.freeze(this.frozen);
    this.showEmpty();
    return pane;
  }

  private attach(pane: Pane): void {
    if (pane.attaching || pane.stream.ended !== null) return;
    pane.attaching = true;
    this.its.client().attach(pane.stream);
    pane.asked = `${pane.stream.rows}x${pane.stream.columns}`;
  }

  private onAttached(pane: Pane, attached: Attached): void {
    pane.command = attached.command || pane.command;
    this.setTitle(pane, attached.title || pane.command || `Terminal ${attached.term}`);
    pane.view.freeze(false);
    const { rows, columns } = pane.stream;
    if (this.active === pane && pane.asked !== `${rows}x${columns}`) this.onRoom(pane, rows, columns);
    this.save();
  }

  private onRoom(pane: Pane, rows: number, columns: number): void {
    const { stream } = pane;
    stream.rows = rows;
    stream.columns = columns;
    if (!stream.isLive || stream.ended !== null || stream.term === null) return;
    pane.asked = `${rows}x${columns}`;
    this.its.client().act("terminal:resize", { term: stream.term, rows, columns });
  }

  private end(pane: Pane, words: string): void {
    pane.stream.ended ??= { code: null, signal: null };
    pane.bar?.remove();
    const restart = () => this.restart(pane);
    pane.bar = endedBar(words, restart, () => void this.close(pane.id, false));
    pane.view.showBar(pane.bar);
    if (this.active !== pane) this.tabs.badge(pane.id, "ended");
  }

  private restart(pane: Pane): void {
    const at = this.tabs.ids.indexOf(pane.id);
    const successor = this.open(pane.command);
    this.tabs.move(successor.id, at - this.tabs.ids.indexOf(successor.id));
    void this.close(pane.id, false);
  }

  private remove(pane: Pane): void {
    const { ids } = this.tabs;
    const at = ids.indexOf(pane.id);
    this.its.client().forget(pane.stream);
    this.panes.delete(pane.id);
    this.tabs.remove(pane.id);
    pane.stream.dispose();
    pane.view.dispose();
    if (this.active === pane) {
      this.active = null;
      const next = ids[at + 1] ?? ids[at - 1];
      if (next) this.select(next);
      else this.its.onActive(null);
    }
    this.showEmpty();
    this.save();
  }

  private setTitle(pane: Pane, title: string): void {
    pane.title = title;
    this.tabs.setTitle(pane.id, title);
    if (this.active === pane) this.its.onActive(pane);
  }

  private save(): void {
    if (!this.restored) return;
    const order = this.all.flatMap((pane) => pane.stream.term ?? []);
    writeJson(this.its.store, this.its.storeKey(), { order, active: this.active?.stream.term ?? null });
  }

  private showEmpty(): void {
    this.empty.hidden = this.panes.size > 0;
  }

  private byTerm(term: number): Pane | undefined {
    return this.all.find((pane) => pane.stream.term === term);
  }

  private byStream(stream: TerminalStream): Pane | undefined {
    return this.all.find((pane) => pane.stream === stream);
  }
}
