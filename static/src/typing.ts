/** From the user's hands to a terminal's stream and from a program to the clipboard. */

import { MAX_PASTE, copyText, preparePaste } from "./clipboard";
import type { Toasts } from "./dialogs";
import { pasteDialog } from "./panes";
import type { Pane } from "./workspace";

const CTRL_C = 0x03;
const PROGRESS = 200;

export class Typing {
  private readonly encoder = new TextEncoder();
  private warned = -Infinity;

  constructor(
    private readonly toasts: Toasts,
    private readonly nudge: () => void,
  ) {}

  input(pane: Pane, bytes: Uint8Array): void {
    if (!pane.stream.isLive && pane.stream.ended === null) this.nudge();
    // Ctrl-C means now, not after the rest of the paste.
    if (bytes.length === 1 && bytes[0] === CTRL_C) pane.stream.cancelPending();
    if (pane.stream.type(bytes) || pane.stream.ended !== null) return;
    if (performance.now() - this.warned < 5_000) return;
    this.warned = performance.now();
    this.toasts.show("Not connected: what you type now is not sent.");
  }

  async paste(pane: Pane, raw: string, bracketed: boolean): Promise<void> {
    if (raw.length > MAX_PASTE) return this.tooMuch();
    const paste = preparePaste(raw, bracketed);
    const text = paste.reasons.length > 0 ? await pasteDialog(paste) : paste.text;
    pane.view.focus();
    if (text === null) return;
    const bytes = this.encoder.encode(text);
    if (bytes.length > MAX_PASTE) return this.tooMuch();
    if (!pane.stream.type(bytes)) {
      this.toasts.show("That was not pasted: the terminal takes nothing at the moment.");
    } else if (pane.stream.pendingInput > 0) {
      this.showProgress(pane, pane.stream.pendingInput);
    }
  }

  async pasteFromClipboard(pane: Pane): Promise<void> {
    try {
      const text = await navigator.clipboard.readText();
      if (text) await this.paste(pane, text, pane.view.isBracketed);
    } catch {
      this.toasts.show("The browser does not let this page read the clipboard.");
    }
  }

  async copy(text: string): Promise<void> {
    if (text && !(await copyText(text))) this.toasts.show("The browser did not take the copy.");
  }

  /** A program asked by OSC 52; the browser may want a click for it. */
  async copyRequest(text: string): Promise<void> {
    const size = text.length === 1 ? "1 character" : `${text.length} characters`;
    if (await copyText(text)) {
      this.toasts.show(`A program copied ${size} to the clipboard.`);
    } else {
      const onAction = () => void this.copy(text);
      this.toasts.show(`A program wants to copy ${size}.`, { action: "Copy", onAction, for: 15_000 });
    }
  }

  private tooMuch(): void {
    this.toasts.show("That is too much to paste: 16 MiB at most. Put it into a file instead.");
  }

  private showProgress(pane: Pane, total: number): void {
    const onAction = () => pane.stream.cancelPending();
    const remove = this.toasts.show("Pasting… a large text is on its way.", {
      action: "Cancel",
      onAction,
      for: Infinity,
    });
    const words = this.toasts.element.lastElementChild?.firstElementChild;
    const timer = setInterval(() => {
      const left = pane.stream.pendingInput;
      if (words) words.textContent = `Pasting… ${Math.floor(100 * (1 - left / total))} %`;
      if (left > 0) return;
      clearInterval(timer);
      remove();
    }, PROGRESS);
  }
}
