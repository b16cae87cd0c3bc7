"""Tests in a real browser: names, focus and contrast, for everybody who does not use a mouse."""

from __future__ import annotations

from typing import Any

from tests.integration.browser import BrowserTestCase, Tab

#: Visible controls without a name that a screen reader could say, and broken references.
NAMELESS = """() => {
  const found = [];
  const seen = (element) => element.checkVisibility() && !element.closest('[aria-hidden="true"]');
  const named = (element) =>
    element.getAttribute("aria-label") || element.title || element.textContent.trim() ||
    [...(element.labels || [])].some((label) => label.textContent.trim()) ||
    (element.getAttribute("aria-labelledby") || "").split(" ").some((id) =>
      id && document.getElementById(id) && document.getElementById(id).textContent.trim());
  for (const each of document.querySelectorAll(
      "button, input, select, textarea, a[href], dialog, " +
      "[role=tab], [role=menuitem], [role=tablist]"))
    if (seen(each) && !named(each)) found.push(each.outerHTML.slice(0, 120));
  for (const name of ["aria-controls", "aria-labelledby", "aria-describedby"])
    for (const each of document.querySelectorAll(`[${name}]`))
      for (const id of each.getAttribute(name).split(" "))
        if (!document.getElementById(id)) found.push(`${name}=${id} leads nowhere`);
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`twice: ${id}`);
  return found;
}"""
#: Texts around the terminal that stand out too little from what is behind them.
PALE = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], under) =>
    [r, g, b].map((part, at) => part * a + under[at] * (1 - a)).concat(1);
  const behind = (element) =>
    element ? over(rgba(getComputedStyle(element).backgroundColor), behind(element.parentElement))
            : [255, 255, 255, 1];
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((part) =>
      part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const each of document.querySelectorAll("body *")) {
    const own = [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !each.checkVisibility()) continue;
    if (each.closest(".terminal-host, [aria-hidden=true]")) continue;
    const under = behind(each);
    const [one, other] = [light(over(rgba(getComputedStyle(each).color), under)), light(under)];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)}: ${each.textContent.slice(0, 40)}`);
  }
  return found;
}"""
FOCUS = """() => {
  const at = document.activeElement;
  const style = getComputedStyle(at);
  return {
    name: at.getAttribute("aria-label") || at.title || at.textContent.trim(),
    role: at.getAttribute("role") || at.tagName.toLowerCase(),
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
  };
}"""


class ReachTests(BrowserTestCase):
    def start(self, **options: Any) -> Tab:
        """A tab with one terminal."""
        return self.tab(self.daemon().start().first_link(), **options)

    def look_at_all(self, tab: Tab) -> None:
        """Check the page, and each of its dialogs and bars."""
        self.look(tab, "page")
        for name, keys in (
            ("find", "Control+Shift+F"),
            ("settings", "Control+Shift+,"),
            ("shortcuts", "Control+Shift+/"),
            ("closing", "Control+Shift+W"),
        ):
            tab.press(keys)
            self.look(tab, name)
            tab.press("Escape")
        for menu in ("User", "New terminal with a command"):
            tab.page.get_by_role("button", name=menu).click()
            tab.until_visible("[role=menuitem]")
            self.look(tab, menu)
            tab.press("Escape")

    def look(self, tab: Tab, name: str) -> None:
        """Check what is on the page now, once it has stopped changing its colours."""
        tab.until("!document.getAnimations().some((each) => each instanceof CSSTransition)")
        self.assertEqual(tab.page.evaluate(NAMELESS), [], name)
        self.assertEqual(tab.page.evaluate(PALE), [], name)

    def test_everything_has_a_name_and_contrast(self) -> None:
        """In every dialog and bar, dark and light, controls have names and texts contrast."""
        tab = self.start(color_scheme="dark")
        for scheme in ("dark", "light"):
            tab.page.emulate_media(color_scheme=scheme)
            tab.until(f"document.documentElement.dataset.theme === '{scheme}'")
            self.look_at_all(tab)
        tab.page.locator(".xterm-screen").click()
        tab.type("exit 1\n")
        tab.until_visible(".ended")
        self.look(tab, "ended")

    def test_every_theme_has_contrast(self) -> None:
        """The page around the terminal is readable in each of the themes."""
        tab = self.start()
        tab.press("Control+Shift+,")
        choice = tab.page.locator("select[name=theme]")
        themes = choice.locator("option").evaluate_all("(all) => all.map((each) => each.value)")
        self.assertGreater(len(themes), 5)
        for theme in themes:
            choice.select_option(theme)
            self.look(tab, theme)

    def test_keyboard_reaches_everything(self) -> None:
        """From the terminal Ctrl+Shift+M leads to the tabs, and Tab on through all buttons."""
        tab = self.start()
        tab.press("Control+Shift+M")
        focused = tab.page.evaluate(FOCUS)
        self.assertEqual(focused["role"], "tab")
        names = []
        for _ in range(8):
            tab.press("Tab")
            focused = tab.page.evaluate(FOCUS)
            if focused["role"] == "textarea":
                break
            self.assertTrue(focused["ring"], f"the focus on {focused['name']} is not to be seen")
            names.append(focused["name"])
        expected = ["New terminal", "New terminal with a command", "Find", "Settings"]
        self.assertEqual(names[:4], expected)
        self.assertEqual(focused["role"], "textarea", names)
        tab.run("echo ba''ck", "back")

    def test_tab_key_belongs_to_the_program(self) -> None:
        """In the terminal Tab and Shift+Tab are typed, they do not move the focus."""
        tab = self.start()
        tab.run("echo rea''dy; cat -v", "ready")
        tab.press("Tab", "Shift+Tab", "Enter")
        tab.until_text("^[[Z\n")
        self.assertEqual(tab.page.evaluate(FOCUS)["role"], "textarea")

    def test_dialogs_keep_and_give_back_the_focus(self) -> None:
        """The focus stays in an open dialog, and is in the terminal again after it."""
        tab = self.start()
        for keys in ("Control+Shift+,", "Control+Shift+/", "Control+Shift+W"):
            tab.press(keys)
            for _ in range(30):
                tab.press("Tab")
                inside = tab.js(
                    "document.activeElement === document.body"
                    " || document.activeElement.closest('dialog') !== null"
                )
                self.assertTrue(inside, keys)
            tab.press("Escape")
            self.assertEqual(tab.page.evaluate(FOCUS)["role"], "textarea", keys)

    def test_shortcuts_are_listed(self) -> None:
        """The dialog lists every shortcut, also those that this test uses."""
        tab = self.start()
        tab.press("Control+Shift+/")
        text = tab.page.locator("dialog").inner_text()
        for words in ("New terminal", "Ctrl+Shift+T", "Find in the terminal", "Ctrl+Shift+M"):
            self.assertIn(words, text)
        tab.page.get_by_role("button", name="Done").click()
        self.assertFalse(tab.visible("dialog"))
        self.assert_clean(tab)

    def test_reduced_motion(self) -> None:
        """Who asked for less motion sees no animation and no blinking cursor."""
        tab = self.start(reduced_motion="reduce")
        tab.type("printf '\\a'\n")
        tab.settle()
        moving = tab.js(
            "document.getAnimations().filter((each) => each.effect.getTiming().duration > 1).length"
        )
        self.assertEqual(moving, 0)
