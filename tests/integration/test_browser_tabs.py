"""Tests in a real browser: tabs, finding, looks and what is kept of them."""

from __future__ import annotations

from typing import Any

from tests.integration.browser import BrowserTestCase, Tab


class TabsTests(BrowserTestCase):
    def start(self) -> Tab:
        """A tab with one terminal."""
        return self.tab(self.daemon().start().first_link())

    def new_terminal(self, tab: Tab) -> None:
        """Open another terminal by its button."""
        count = len(tab.js("gotwist.terminals()"))
        tab.page.get_by_role("button", name="New terminal", exact=True).click()
        tab.until(f"gotwist.terminals().length === {count + 1}")
        tab.until("gotwist.terminals().every((t) => t.live && t.drawn > 0)")

    def order(self, tab: Tab) -> list[int]:
        """Numbers of the terminals, from left to right."""
        return [int(each["term"]) for each in tab.js("gotwist.terminals()")]

    def titles(self, tab: Tab) -> list[str]:
        """What the tabs are called, from left to right."""
        return [str(text).strip() for text in tab.page.locator(".tab-label").all_inner_texts()]

    def until_titles(self, tab: Tab, titles: list[str]) -> None:
        """Wait until the tabs are called so."""
        tab.await_(lambda: self.titles(tab) == titles, f"the titles {titles}")

    def test_new_and_close(self) -> None:
        """New terminals come by button and keys; closing asks while a program runs."""
        tab = self.start()
        self.new_terminal(tab)
        tab.press("Control+Shift+T")
        tab.until("gotwist.terminals().length === 3 && gotwist.state().active === 3")
        tab.press("Control+Shift+W")
        tab.until_visible("dialog")
        tab.press("Escape")
        self.assertEqual(self.order(tab), [1, 2, 3])
        tab.press("Control+Shift+W")
        tab.page.get_by_role("button", name="Close terminal").click()
        tab.await_(lambda: self.order(tab) == [1, 2], "the terminal to close")
        tab.type("exit\n")
        tab.until_visible(".ended")
        tab.page.locator(".ended").get_by_role("button", name="Close").click()
        tab.await_(lambda: self.order(tab) == [1], "only the first to be left")
        tab.run("echo fi''rst", "first")
        self.assert_clean(tab)

    def test_letters_first_drawn_while_hidden(self) -> None:
        """A terminal that is being hidden measures its letters rightly all the same."""
        tab = self.start()
        tab.run("echo rea''dy; cat", "ready")
        tab.press("Control+c", "Control+Shift+T")
        tab.until("gotwist.state().active === 2 && gotwist.terminals()[1].drawn > 0")
        self.assertFalse(tab.page.locator(".panel").first.is_visible())
        tab.press("Control+Alt+1")
        tab.until_text("^C")
        widths = tab.js(
            """[...document.querySelectorAll(".panel:not([hidden]) .xterm-rows span")]
              .map((each) => parseFloat(each.style.letterSpacing) || 0)"""
        )
        self.assertLess(max(map(abs, widths)), 1)

    def test_last_one_closed(self) -> None:
        """Without a terminal the page offers a new one, also after a reload it opens one."""
        tab = self.start()
        tab.press("Control+Shift+W")
        tab.page.get_by_role("button", name="Close terminal").click()
        tab.until_visible(".empty")
        tab.page.locator(".empty button").click()
        tab.until("gotwist.terminals().length === 1 && gotwist.terminals()[0].drawn > 0")
        tab.run("echo ne''w", "new")

    def test_rename_reorder_and_reload(self) -> None:
        """Names and order given by hand, and which tab is looked at, are there after a reload."""
        tab = self.start()
        self.new_terminal(tab)
        self.new_terminal(tab)
        tab.page.locator(".tab").nth(1).dblclick()
        tab.type("build & test")
        tab.press("Enter")
        tab.await_(lambda: "build & test" in self.titles(tab), "the new name")
        self._drag(tab, 2, 0)
        self.assertEqual(self.order(tab), [3, 1, 2])
        tab.press("Control+Alt+Shift+ArrowRight")
        self.assertEqual(self.order(tab), [1, 3, 2])
        names = self.titles(tab)
        for _ in range(2):
            tab.reload()
            self.assertEqual(self.order(tab), [1, 3, 2])
            self.until_titles(tab, names)
            self.assertEqual(tab.js("gotwist.state().active"), 3)
        self.assert_clean(tab)

    def _drag(self, tab: Tab, which: int, to: int) -> None:
        boxes = [tab.page.locator(".tab").nth(at).bounding_box() for at in (which, to)]
        start, end = (box for box in boxes if box is not None)
        tab.page.mouse.move(start["x"] + 60, start["y"] + 15)
        tab.page.mouse.down()
        tab.page.mouse.move(end["x"] + 80, end["y"] + 15, steps=5)
        tab.page.mouse.move(end["x"] + 5, end["y"] + 15, steps=5)
        tab.page.mouse.up()

    def test_title_of_the_program(self) -> None:
        """A program names its tab and the window; a name given by hand wins until taken back."""
        tab = self.start()
        tab.type("printf '\\e]2;my <b>title</b>\\a'\n")
        self.until_titles(tab, ["my <b>title</b>"])
        self.assertTrue(tab.page.title().startswith("my <b>title</b>"))
        for name, shown in (("mine", "mine"), ("", "my <b>title</b>")):
            tab.press("Control+Shift+M")
            tab.press("F2")
            tab.press("Control+a", "Delete")
            tab.type(name)
            tab.press("Enter")
            self.until_titles(tab, [shown])

    def test_find(self) -> None:
        """Finding counts the matches, selects one, goes on, and says when there is none."""
        tab = self.start()
        tab.run("seq 500; echo ov''er", "over")
        tab.press("Control+Shift+F")
        tab.type("49")
        count = tab.page.locator(".find-count")
        tab.await_(lambda: "of 15" in count.inner_text(), "the number of matches")
        shown = count.inner_text()
        tab.press("Enter")
        tab.await_(lambda: count.inner_text() not in ("", shown), "the next match")
        tab.press("Control+a")
        tab.type("nowhere")
        tab.await_(lambda: "No results" in count.inner_text(), "the word that there is none")
        tab.press("Escape")
        self.assertFalse(tab.visible(".find-bar"))
        tab.run("echo ty''ped", "typed")
        self.assert_clean(tab)


class LooksTests(BrowserTestCase):
    def look(self, tab: Tab) -> dict[str, Any]:
        """Theme and measures as they are on the page."""
        return dict(
            tab.js(
                """({
                  theme: document.documentElement.dataset.theme,
                  background: getComputedStyle(document.body).backgroundColor,
                  columns: gotwist.serialize(1).columns,
                })"""
            )
        )

    def test_themes_and_sizes_are_kept(self) -> None:
        """Theme and text size change at once, and are there after a reload and in a new tab."""
        daemon = self.daemon().start()
        tab = self.tab(daemon.first_link(), color_scheme="dark")
        before = self.look(tab)
        self.assertEqual(before["theme"], "dark")
        tab.press("Control+Shift+,")
        tab.page.locator("select[name=theme]").select_option("solarized-light")
        tab.page.locator("input[name=fontSize]").fill("20")
        tab.page.get_by_role("button", name="Done").click()
        tab.await_(lambda: self.look(tab)["columns"] < before["columns"], "larger letters")
        now = self.look(tab)
        self.assertEqual(now["theme"], "solarized-light")
        self.assertNotEqual(now["background"], before["background"])
        tab.reload()
        tab.await_(lambda: self.look(tab) == now, f"the look {now}")
        other = self.tab(daemon.base, tab.page.context)
        other.await_(lambda: self.look(other) == now, f"the look {now}")
        tab.run("echo $COLUMNS-co''ls", f"{now['columns']}-cols")
        self.assert_clean(tab)

    def test_text_size_by_keys(self) -> None:
        """Ctrl with plus, minus and zero changes the size of the text."""
        tab = self.tab(self.daemon().start().first_link())
        normal = self.look(tab)["columns"]
        tab.press("Control+=", "Control+=", "Control+=")
        tab.await_(lambda: self.look(tab)["columns"] < normal, "larger letters")
        tab.press("Control+0")
        tab.await_(lambda: self.look(tab)["columns"] == normal, "the usual size")
        tab.press("Control+-", "Control+-")
        tab.await_(lambda: self.look(tab)["columns"] > normal, "smaller letters")

    def test_follows_the_system(self) -> None:
        """Without a choice the theme follows the system, at once when that changes."""
        tab = self.tab(self.daemon().start().first_link(), color_scheme="light")
        self.assertEqual(self.look(tab)["theme"], "light")
        tab.page.emulate_media(color_scheme="dark")
        tab.await_(lambda: self.look(tab)["theme"] == "dark", "the dark theme")

    def test_spoilt_settings_harm_nothing(self) -> None:
        """What makes no sense in the browser's storage is passed over."""
        daemon = self.daemon().start()
        tab = self.tab(daemon.first_link())
        tab.js(
            "Object.keys(localStorage).forEach((key) => localStorage.setItem(key, '{broken'))"
            ", localStorage.setItem(`gotwist.settings.${gotwist.state().upn}`,"
            ' \'{"fontSize": 1e9, "theme": 7, "bell": "<x>"}\')'
        )
        tab.reload()
        tab.run("echo fi''ne", "fine")
        self.assert_clean(tab)
