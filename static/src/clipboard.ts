/** What may go to the shell from the clipboard, and to the clipboard from a program. */

export const MAX_PASTE = 16 * 1024 * 1024;
export const MAX_COPY = 100_000;
/** The kernel cuts longer lines of a terminal in cooked mode. */
export const LONG_LINE = 4_096;
const PREVIEW = 2_000;

export interface Paste {
  /** What is typed once agreed. */
  readonly text: string;
  /** The same on one line, without the last line break. */
  readonly oneLine: string;
  /** Why somebody should look first; empty when nothing speaks against it. */
  readonly reasons: readonly string[];
  readonly lines: number;
}

/** Line breaks become CR; ESC, other C1 controls and bracket marks never pass. */
export function sanitize(text: string): string {
  return text
    .replace(/\x1b\[20[01]~/g, "")
    .replace(/[\x1b\x80-\x9f]/g, "")
    .replace(/\r\n|\n/g, "\r");
}

/** In a bracketed paste the program takes the text as text, so there is nothing to ask. */
export function preparePaste(raw: string, bracketed: boolean): Paste {
  let text = sanitize(raw);
  const reasons: string[] = [];
  const breaks = text.split("\r").length - 1;
  if (bracketed) {
    text = text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g, "");
    return { text: `\x1b[200~${text}\x1b[201~`, oneLine: text, reasons, lines: breaks + 1 };
  }
  if (breaks > 0) reasons.push("it contains line breaks, which run commands at once");
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text)) reasons.push("it contains control characters");
  const longest = Math.max(...text.split("\r", 100_000).map((line) => line.length));
  if (longest > LONG_LINE) reasons.push("it has a very long line, which the system may cut off");
  const oneLine = text.replace(/\r+$/, "").replace(/\r+/g, " ");
  return { text, oneLine, reasons, lines: breaks + (text.endsWith("\r") ? 0 : 1) };
}

/** The beginning of a text with its control characters made visible. */
export function preview(text: string): string {
  const shown = text.slice(0, PREVIEW).replace(/[\x00-\x1f\x7f]/g, (character) => {
    if (character === "\r") return "⏎\n";
    if (character === "\x7f") return "␡";
    return String.fromCharCode(0x2400 + character.charCodeAt(0));
  });
  return text.length > PREVIEW ? `${shown}\n… and ${text.length - PREVIEW} more characters` : shown;
}

/**
 * The text a program wants on the clipboard by OSC 52, or why it does not get there.
 * A question ("?") is never answered: what is on the clipboard is nobody's business.
 */
export function parseCopyRequest(data: string): { text: string } | { refused: string } | null {
  const semicolon = data.indexOf(";");
  if (semicolon < 0) return null;
  const encoded = data.slice(semicolon + 1);
  if (encoded === "?" || encoded === "") return null;
  if (encoded.length > Math.ceil(MAX_COPY / 3) * 4) {
    return { refused: "A program wanted to copy more than 100 kB; that was refused." };
  }
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return null;
  }
}

/** True when the browser took the text; without a user's gesture it may refuse. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
