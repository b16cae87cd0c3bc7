/** Keyboard shortcuts: one table for what they do, and for the dialog that lists them. */

export type Command =
  | "new"
  | "close"
  | "next"
  | "previous"
  | `tab-${number}`
  | "move-left"
  | "move-right"
  | "find"
  | "copy"
  | "paste"
  | "larger"
  | "smaller"
  | "normal"
  | "leave"
  | "settings"
  | "help";

export interface Keys {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

/** Written as they are shown; the last part is a `code` without "Key" or "Digit", or a `key`. */
export const SHORTCUTS: readonly (readonly [Command, string, readonly string[]])[] = [
  ["new", "New terminal", ["Ctrl+Shift+T", "Alt+Shift+T"]],
  ["close", "Close terminal", ["Ctrl+Shift+W", "Alt+Shift+W"]],
  ["next", "Next terminal", ["Ctrl+Alt+Right", "Ctrl+Shift+PageDown"]],
  ["previous", "Previous terminal", ["Ctrl+Alt+Left", "Ctrl+Shift+PageUp"]],
  ["tab-1", "First to ninth terminal", ["Ctrl+Alt+1…9"]],
  ["move-left", "Move terminal to the left", ["Ctrl+Alt+Shift+Left"]],
  ["move-right", "Move terminal to the right", ["Ctrl+Alt+Shift+Right"]],
  ["find", "Find in the terminal", ["Ctrl+Shift+F"]],
  ["copy", "Copy the selection", ["Ctrl+Shift+C"]],
  ["paste", "Paste", ["Ctrl+Shift+V", "Shift+Insert"]],
  ["larger", "Larger text", ["Ctrl++"]],
  ["smaller", "Smaller text", ["Ctrl+-"]],
  ["normal", "Normal text size", ["Ctrl+0"]],
  ["leave", "Leave the terminal (then Tab moves on)", ["Ctrl+Shift+M"]],
  ["settings", "Settings", ["Ctrl+Shift+,"]],
  ["help", "This list", ["F1", "Ctrl+Shift+/"]],
];

const NAMES: { readonly [code: string]: string } = {
  ArrowLeft: "Left",
  ArrowRight: "Right",
  Comma: ",",
  Slash: "/",
  Equal: "+",
  NumpadAdd: "+",
  Minus: "-",
  NumpadSubtract: "-",
  Numpad0: "0",
};

const TABLE = new Map<string, Command>();
for (const [command, , keys] of SHORTCUTS) {
  if (command !== "tab-1") for (const key of keys) TABLE.set(key, command);
}
for (let number = 1; number <= 9; number++) TABLE.set(`Ctrl+Alt+${number}`, `tab-${number}`);

/** The command these keys mean, or null: then they belong to the terminal. */
export function match(event: Keys): Command | null {
  const name = NAMES[event.code] ?? event.code.replace(/^(Key|Digit)/, "");
  // A plus needs Shift on many keyboards and none on the number pad.
  const isPlus = name === "+" || (event.key === "+" && event.ctrlKey);
  const shift = event.shiftKey && !(isPlus && !event.altKey);
  const parts = [event.ctrlKey && "Ctrl", event.altKey && "Alt", shift && "Shift"];
  if (event.metaKey) return null;
  const written = [...parts.filter(Boolean), isPlus ? "+" : name].join("+");
  return TABLE.get(written) ?? null;
}
