/** Rules of looks and keys: readable themes, checked settings, shortcuts that leave the shell alone. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { isAnswer } from "../../static/src/answers";
import { endingWords } from "../../static/src/banner";
import { withModifiers } from "../../static/src/keybar";
import { allowedLink } from "../../static/src/links";
import { DEFAULTS, SettingsStore, clean } from "../../static/src/settings";
import { SHORTCUTS, match } from "../../static/src/shortcuts";
import { restoreOrder } from "../../static/src/tabs";
import { THEMES, chrome, contrast, findTheme } from "../../static/src/themes";

for (const theme of THEMES) {
  test(`text is readable in the theme ${theme.name}`, () => {
    const page = chrome(theme) as Record<string, string>;
    const pairs: [string, string][] = [
      ["--fg", "--bg"], ["--fg", "--bar"], ["--fg", "--raised"], ["--fg", "--hover"],
      ["--muted", "--bg"], ["--muted", "--bar"], ["--muted", "--raised"],
      ["--on-accent", "--accent"], ["--accent", "--raised"], ["--danger", "--raised"], ["--warn", "--raised"],
    ];
    for (const [text, ground] of pairs) {
      if (theme.id === "high-contrast" && ground === "--hover") continue;
      const ratio = contrast(page[text] as string, page[ground] as string);
      assert.ok(ratio >= 4.5, `${text} on ${ground}: ${ratio.toFixed(2)}`);
    }
    assert.ok(contrast(page["--edge"] as string, page["--raised"] as string) >= 3);
    assert.ok(contrast(theme.foreground, theme.selection) >= 4.5, "selected text");
    assert.equal(theme.ansi.length, 16);
    for (const colour of theme.ansi) assert.match(colour, /^#[0-9a-f]{6}$/);
  });
}

test("a theme nobody knows follows the system", () => {
  assert.equal(findTheme("system", true).id, "dark");
  assert.equal(findTheme("gone", false).id, "light");
  assert.equal(findTheme("ember", false).id, "ember");
});

function memory() {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

test("settings are kept per user, only where they differ from what is usual", () => {
  const store = memory();
  new SettingsStore(store, "ada").change({ fontSize: 18, theme: "system" });
  assert.equal(new SettingsStore(store, "ada").current.fontSize, 18);
  assert.equal(new SettingsStore(store, "bob").current.fontSize, DEFAULTS.fontSize);
  assert.equal(store.kept.get("gotwist.settings.ada"), '{"fontSize":18}');
});

test("kept settings of the wrong kind are ignored, numbers out of range pulled in", () => {
  const bad = { fontSize: 4_000, theme: 5, cursorStyle: "heart", bell: "none", other: 1, contrast: NaN };
  assert.deepEqual(clean(bad), { fontSize: 40, bell: "none" });
  const store = memory();
  store.setItem("gotwist.settings.ada", "{not json");
  assert.deepEqual(new SettingsStore(store, "ada").current, DEFAULTS);
});

test("a browser that forbids storage still lets one change settings", () => {
  const deny = () => {
    throw new Error("denied");
  };
  const settings = new SettingsStore({ getItem: deny, setItem: deny }, "ada");
  settings.change({ theme: "ember" });
  assert.equal(settings.current.theme, "ember");
});

const press = (code: string, held = "", key = "") => ({
  code, key,
  ctrlKey: held.includes("C"), shiftKey: held.includes("S"), altKey: held.includes("A"), metaKey: held.includes("M"),
});

test("the shortcuts do what the dialog says", () => {
  assert.equal(match(press("KeyT", "CS")), "new");
  assert.equal(match(press("KeyW", "AS")), "close");
  assert.equal(match(press("ArrowRight", "CA")), "next");
  assert.equal(match(press("ArrowLeft", "CAS")), "move-left");
  assert.equal(match(press("Digit7", "CA")), "tab-7");
  assert.equal(match(press("Equal", "CS", "+")), "larger");
  assert.equal(match(press("NumpadAdd", "C", "+")), "larger");
  assert.equal(match(press("BracketRight", "C", "+")), "larger");
  assert.equal(match(press("Minus", "C", "-")), "smaller");
  assert.equal(match(press("Digit0", "C")), "normal");
  assert.equal(match(press("Slash", "CS", "?")), "help");
  assert.equal(match(press("F1")), "help");
  assert.equal(new Set(SHORTCUTS.flatMap(([, , keys]) => keys)).size, SHORTCUTS.flatMap(([, , keys]) => keys).length);
});

test("keys of shells and editors stay theirs", () => {
  for (const [code, held] of [
    ["KeyC", "C"], ["KeyV", "C"], ["KeyW", "C"], ["KeyT", "C"], ["KeyF", "C"], ["ArrowLeft", "C"], ["ArrowLeft", "A"],
    ["Digit1", "A"], ["KeyM", "C"], ["Slash", "C"], ["KeyT", "CM"], ["Minus", "CS"], ["F2", ""], ["Tab", "C"],
  ] as const) {
    assert.equal(match(press(code, held)), null, `${held}+${code}`);
  }
});

test("a terminal's own answers are known, so that a replay types nothing; keys are not taken for them", () => {
  for (const answer of [
    "\x1b[?1;2c", "\x1b[>0;276;0c", "\x1b[0n", "\x1b[12;40R", "\x1b[?12;40R", "\x1b[?2004;1$y", "\x1b[4;2$y",
    "\x1b[8;24;80t", "\x1b[I", "\x1b[O", "\x1b]10;rgb:ffff/ffff/ffff\x1b\\", "\x1bP1$r0m\x1b\\",
  ]) {
    assert.equal(isAnswer(answer), true, JSON.stringify(answer));
  }
  for (const key of ["a", "\r", "\x03", "\x1b", "\x1b[A", "\x1bOP", "\x1b[1;5C", "\x1b[3~", "\x1b[H", "\x1bb", "\x1b[200~c\x1b[201~", "c", "n"]) {
    assert.equal(isAnswer(key), false, JSON.stringify(key));
  }
});

test("the key bar's modifiers make what a keyboard's would", () => {
  assert.equal(withModifiers("c", true, false), "\x03");
  assert.equal(withModifiers("[", true, false), "\x1b");
  assert.equal(withModifiers(" ", true, false), "\0");
  assert.equal(withModifiers("b", false, true), "\x1bb");
  assert.equal(withModifiers("c", true, true), "\x1b\x03");
  assert.equal(withModifiers("\x1b[A", true, false), "\x1b[1;5A");
  assert.equal(withModifiers("\x1bOD", false, true), "\x1b[1;3D");
  assert.equal(withModifiers("abc", true, false), "abc");
  assert.equal(withModifiers("x", false, false), "x");
});

test("only three kinds of link open", () => {
  for (const good of ["https://example.org/a", "http://[::1]/", "mailto:ada@example.org"]) {
    assert.ok(allowedLink(good), good);
  }
  for (const bad of ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "ssh://a", "nothing", ""]) {
    assert.equal(allowedLink(bad), null, bad);
  }
});

test("tabs come back in their order, unknown ones last, whatever was kept", () => {
  assert.deepEqual(restoreOrder([1, 2, 3, 4], [3, 9, 1, 3]), [3, 1, 2, 4]);
  assert.deepEqual(restoreOrder([2, 1], "nonsense"), [1, 2]);
  assert.deepEqual(restoreOrder([], [1]), []);
});

test("the end of a program is told in words", () => {
  assert.equal(endingWords({ code: 3, signal: null }), "The program ended with exit code 3.");
  assert.equal(endingWords({ code: null, signal: 9 }), "The program was ended by signal 9.");
  assert.equal(endingWords({ code: null, signal: null }), "The program has ended.");
});
