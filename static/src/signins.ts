/** Where the user is signed in: the list, and ending one sign-in or all. */

import { ask } from "./dialogs";
import { h } from "./dom";
import { MessageError, object, text, wholeOrNull, type Json } from "./messages";

export interface SignInInfo {
  readonly id: string;
  readonly method: string;
  readonly address: string;
  /** Milliseconds since 1970. */
  readonly issued: number;
  readonly seen: number;
  /** The one by which this page is signed in. */
  readonly current: boolean;
}

/** The daemon's `go:sign_ins`; an entry without an id cannot be ended and is left out. */
export function parseSignIns(value: Json): SignInInfo[] {
  if (!Array.isArray(value)) throw new MessageError("expected a list of sign-ins");
  return (value as Json[]).map(object).flatMap((from) => {
    const id = text(from["id"]);
    if (!/^[0-9a-f]{16}$/.test(id)) return [];
    return {
      id,
      method: text(from["method"]),
      address: text(from["address"]),
      issued: wholeOrNull(from["issued"]) ?? 0,
      seen: wholeOrNull(from["seen"]) ?? 0,
      current: from["current"] === true,
    };
  });
}

/** This page's own first, then the one used last. */
export function inOrder(list: readonly SignInInfo[]): SignInInfo[] {
  return [...list].sort((a, b) => Number(b.current) - Number(a.current) || b.seen - a.seen);
}

/** What a sign-in is called: from where, and how. */
export function describe(one: SignInInfo): string {
  const place = one.address || "an unknown address";
  return one.method ? `${place}, by ${one.method}` : place;
}

export interface SignInActions {
  readonly refresh: () => void;
  readonly end: (id: string) => void;
  readonly endAll: () => void;
}

/** The dialog; it shows what the daemon says last, for as long as it is open. */
export class SignInsDialog {
  private readonly list = h("ul", { class: "sign-ins" });
  private closing: AbortController | null = null;

  constructor(private readonly actions: SignInActions) {}

  async open(): Promise<void> {
    if (this.closing !== null) return;
    this.closing = new AbortController();
    this.list.replaceChildren(h("li", { class: "note" }, "Asking…"));
    this.actions.refresh();
    const choice = await ask({
      title: "Where you are signed in",
      body: [this.list],
      choices: [
        { id: "all", label: "Sign out everywhere", kind: "danger" },
        { id: "done", label: "Done" },
      ],
      cancel: "done",
      wide: true,
      signal: this.closing.signal,
    });
    this.closing = null;
    if (choice === "all") this.actions.endAll();
  }

  show(list: readonly SignInInfo[]): void {
    this.list.replaceChildren(...inOrder(list).map((one) => this.row(one)));
  }

  close(): void {
    this.closing?.abort();
  }

  private row(one: SignInInfo): HTMLElement {
    const name = describe(one);
    const when = `Since ${moment(one.issued)}, last seen ${moment(one.seen)}`;
    const end = h(
      "button",
      {
        type: "button",
        class: "button",
        "aria-label": `Sign out ${name}`,
        onclick: () => this.actions.end(one.id),
      },
      "Sign out",
    );
    return h(
      "li",
      { class: "setting" },
      h(
        "span",
        { class: "setting-name" },
        one.current ? `${name} (here)` : name,
        h("small", {}, when),
      ),
      end,
    );
  }
}

function moment(milliseconds: number): string {
  return new Date(milliseconds).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
