/** The dialogs that say and ask something: settings, shortcuts, pasting, closing. */

import { preview, type Paste } from "./clipboard";
import { ask } from "./dialogs";
import { h } from "./dom";
import { RANGES, type Settings, type SettingsStore } from "./settings";
import { SHORTCUTS } from "./shortcuts";
import { THEMES } from "./themes";

type Options = readonly (readonly [value: string, label: string])[];

export async function settingsDialog(store: SettingsStore): Promise<void> {
  const build = () => {
    const now = store.current;
    const row = (label: string, control: HTMLElement, note?: string) =>
      h(
        "label",
        { class: "setting" },
        h("span", { class: "setting-name" }, label, note ? h("small", {}, note) : null),
        control,
      );
    const choose = (key: keyof Settings, options: Options) => {
      const select = h("select", { name: key });
      for (const [value, label] of options) {
        const option = h("option", { value }, label);
        option.selected = String(now[key]) === value;
        select.append(option);
      }
      const isNumber = typeof now[key] === "number";
      select.addEventListener("change", () =>
        store.change({ [key]: isNumber ? Number(select.value) : select.value }),
      );
      return select;
    };
    const number = (key: keyof typeof RANGES, step: string) => {
      const [min, max] = RANGES[key];
      const field = h("input", { type: "number", name: key, min: `${min}`, max: `${max}`, step });
      field.value = String(now[key]);
      field.addEventListener("change", () => {
        if (field.value !== "") store.change({ [key]: Number(field.value) });
        field.value = String(store.current[key]);
      });
      return field;
    };
    const toggle = (key: keyof Settings) => {
      const box = h("input", { type: "checkbox", name: key, role: "switch" });
      box.checked = now[key] === true;
      box.addEventListener("change", () => store.change({ [key]: box.checked }));
      return box;
    };
    const font = h("input", {
      type: "text",
      name: "fontFamily",
      placeholder: "The system's own",
      spellcheck: "false",
      maxlength: "200",
    });
    font.value = now.fontFamily;
    font.addEventListener("change", () => store.change({ fontFamily: font.value.trim() }));
    const themes: Options = [["system", "System"], ...THEMES.map((t) => [t.id, t.name] as const)];
    return [
      h("h3", {}, "Look"),
      row("Theme", choose("theme", themes)),
      row("Text size", number("fontSize", "1")),
      row("Font", font, "a font installed on this device"),
      row("Line height", number("lineHeight", "0.05")),
      row("Least contrast of text", choose("contrast", [["1", "As programs choose"], ["4.5", "4.5 : 1"], ["7", "7 : 1"]])),
      row("Cursor", choose("cursorStyle", [["block", "Block"], ["bar", "Bar"], ["underline", "Underline"]])),
      row("Blinking cursor", toggle("cursorBlink")),
      h("h3", {}, "Behaviour"),
      row("Bell", choose("bell", [["visual", "Flash"], ["sound", "Flash and sound"], ["none", "Off"]])),
      row("Lines to scroll back", number("scrollback", "500")),
      row("Copy what is selected", toggle("copyOnSelect")),
      row("Ask before closing a terminal", toggle("confirmClose")),
      row("Screen reader support", toggle("screenReader"), "reads out what programs print"),
      row("Extra keys", choose("keyBar", [["auto", "Touch screens"], ["always", "Always"], ["never", "Never"]])),
    ];
  };
  const body = h("div", { class: "settings" }, ...build());
  const choices = [{ id: "reset", label: "Reset all" }, { id: "done", label: "Done", kind: "primary" }] as const;
  if ((await ask({ title: "Settings", body: [body], choices, cancel: "done" })) === "reset") store.reset();
}

export async function shortcutsDialog(version: string): Promise<void> {
  const rows = SHORTCUTS.map(([, what, keys]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, what),
      h("td", {}, ...keys.flatMap((key, index) => [index ? " or " : "", h("kbd", {}, key)])),
    ),
  );
  await ask({
    title: "Keyboard shortcuts",
    body: [
      h("table", { class: "shortcuts" }, h("tbody", {}, ...rows)),
      h(
        "p",
        { class: "note" },
        "F1 belongs to the program while the terminal has the focus. Tabs: arrow keys choose, F2 renames, " +
          "Delete closes. Links: Ctrl+click. Shift+drag selects while a program uses the mouse.",
      ),
      version ? h("p", { class: "note" }, `gotwist ${version}`) : "",
    ],
    choices: [{ id: "done", label: "Done", kind: "primary" }],
    cancel: "done",
    wide: true,
  });
}

/** What to type of a questionable paste; null for nothing. */
export async function pasteDialog(paste: Paste): Promise<string | null> {
  const lines = paste.lines === 1 ? "1 line" : `${paste.lines.toLocaleString("en")} lines`;
  const oneLine = paste.lines > 1 ? [{ id: "one", label: "Paste as one line" }] : [];
  const choice = await ask({
    title: `Paste ${lines}?`,
    body: [
      h("p", {}, `Look at this text first: ${paste.reasons.join("; ")}.`),
      h("pre", { class: "preview", tabindex: "0", "aria-label": "Text to paste" }, preview(paste.text)),
    ],
    choices: [
      { id: "cancel", label: "Cancel" },
      ...oneLine,
      { id: "paste", label: "Paste", kind: "primary" },
    ],
    cancel: "cancel",
    wide: true,
  });
  return choice === "paste" ? paste.text : choice === "one" ? paste.oneLine : null;
}

export async function confirmClose(title: string): Promise<boolean> {
  const body = ["The program running in it will be ended."];
  const choices = [
    { id: "cancel", label: "Cancel" },
    { id: "close", label: "Close terminal", kind: "danger" },
  ] as const;
  return (await ask({ title: `Close “${title}”?`, body, choices, cancel: "cancel" })) === "close";
}

/** Over the frozen screen: nothing of it is lost, and signing in elsewhere is enough. */
export function signInDialog(signal: AbortSignal): Promise<string> {
  return ask({
    title: "Sign in again",
    body: [
      h("p", {}, "Your sign-in has ended. The terminals and the programs in them go on."),
      h("p", {}, "Sign in in another window (or open a new launch link), then come back to this page: it goes on where it was."),
    ],
    choices: [
      { id: "retry", label: "Try again" },
      { id: "window", label: "Sign in in a new window", kind: "primary" },
    ],
    cancel: "later",
    signal,
  });
}
