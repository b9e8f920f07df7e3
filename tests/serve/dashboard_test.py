#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a real browser, of a made service. Run by ctest; SCREENSHOTS=DIR keeps what was seen."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

from chromium import Chromium

SHOTS = os.environ.get("SCREENSHOTS")
TOKEN = "a-token-for-tests-0123456789"


class Demo:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([os.environ["SERVE_DEMO"], *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def get(self, path):
        return json.load(urllib.request.urlopen(self.url + path))

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Dashboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.demo = Demo()
        cls.browser = Chromium()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.demo.close()

    def setUp(self):
        self.browser.console.clear()
        self.browser.requests.clear()
        self.browser.resize(1440, 900)

    def tearDown(self):
        self.assertEqual(self.browser.console, [])
        foreign = [url for url in self.browser.requests if not url.startswith((self.demo.url, "blob:", "data:", "about:"))]
        self.assertEqual(foreign, [])

    def open(self, path, shown):
        self.browser.open("about:blank")
        self.browser.open(self.demo.url + path)
        self.browser.wait_for(shown)

    def open_overview(self):
        self.open("/", "document.querySelectorAll('.stream canvas[data-shown]').length === 3")

    def open_editor(self):
        self.open("/#/stream/door", "document.querySelector('.detail canvas[data-shown]') && document.querySelector('.overlay .shape')")
        self.browser.click_on(".editor button")
        self.browser.wait_for("document.querySelectorAll('.overlay .point').length > 0")

    def shoot(self, name, whole=True):
        if SHOTS:
            self.browser.screenshot(Path(SHOTS) / f"{name}.png", whole)

    def text(self, selector):
        return self.browser.run(f"document.querySelector({json.dumps(selector)}).textContent")

    def place(self, x, y):
        """Of a point of the picture, given in shares of it, in the window."""
        self.browser.run("document.querySelector('.overlay').scrollIntoView({block: 'center'})")
        box = self.browser.box(".overlay")
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def shapes(self):
        return self.demo.get("/api/v1/streams/door/shapes")["shapes"]

    def save(self):
        self.browser.click_on(".editor .main-button")
        self.browser.wait_for("document.querySelector('.hint').textContent === 'Saved.'")

    def test_everything_is_shown_live(self):
        self.open_overview()
        self.assertEqual(self.text("#streams-summary"), "3 of 4 running")
        self.assertIn("three lanes are 31 % busy", self.text("[data-key=door] .diagnosis"))
        self.assertIn("connection refused", self.text("[data-key=drive] .no-picture"))
        self.assertEqual(self.browser.run("document.querySelectorAll('[role=meter]').length"), 3)
        self.assertIn("20 waiting · 5 discarded", self.text("#sinks"))
        self.assertIn("100\u202fkB", self.text("#recordings"))
        first = self.browser.run("document.querySelector('#events > li').dataset.number")
        self.browser.wait_for(f"document.querySelector('#events > li').dataset.number > {first}", "an event that comes by itself")
        picture = "document.querySelector('[data-key=door] canvas').toDataURL()"
        before = self.browser.run(picture)
        self.browser.wait_for(f"{picture} !== {json.dumps(before)}", "a picture that moves")
        self.shoot("desktop", whole=False)

    def test_pages_follow_one_another(self):
        self.open_overview()
        for _ in range(3):
            self.browser.run("document.querySelector('[data-key=yard] a').click()")
            self.browser.wait_for("document.querySelector('.detail canvas[data-shown]')")
            self.assertEqual(self.browser.run("document.title"), "yard · Osprey")
            self.assertEqual(self.browser.run("document.activeElement.textContent"), "yard")
            self.browser.run("history.back()")
            self.browser.wait_for("!document.querySelector('#overview').hidden")

    def test_a_phone_needs_no_sideways_scrolling(self):
        self.browser.resize(390, 844, touch=True, scale=2)
        for theme in ("light", "dark"):
            self.open_overview()
            self.browser.run(f"document.documentElement.dataset.theme = '{theme}'")
            self.assertEqual(self.browser.run("document.documentElement.scrollWidth"), 390)
            self.shoot(f"phone-{theme}")
        self.open_editor()
        self.assertEqual(self.browser.run("document.documentElement.scrollWidth"), 390)
        small = self.browser.run("[...document.querySelectorAll('main button, main input')].filter((e) => e.offsetParent && e.offsetHeight < 44).length")
        self.assertEqual(small, 0, "what a finger must hit is 44 pixels high")
        self.shoot("phone-editor")

    def test_zones_are_drawn_moved_and_deleted_with_the_pointer(self):
        self.open_editor()
        self.browser.click_on(".editor-tools .quiet-button")  # New zone
        corners = [(0.1, 0.2), (0.3, 0.2), (0.3, 0.5), (0.1, 0.5)]
        for corner in corners:
            self.browser.click(*self.place(*corner))
        self.shoot("drawing")
        self.browser.click(*self.place(0.1, 0.2))  # closes it
        self.browser.wait_for("document.activeElement.dataset.kind === 'name'")
        self.browser.run("document.activeElement.select()")
        self.browser.type("porch")
        self.browser.drag(self.place(0.3, 0.5), self.place(0.4, 0.6))
        self.save()
        porch = next(shape for shape in self.shapes() if shape["name"] == "porch")
        self.assertEqual((porch["kind"], porch["classes"], len(porch["points"])), ("zone", [], 4))
        for kept, meant in zip(porch["points"], [(0.1, 0.2), (0.3, 0.2), (0.4, 0.6), (0.1, 0.5)]):
            for a, b in zip(kept, meant):
                self.assertAlmostEqual(a, b, delta=0.01)
        self.shoot("editor")
        self.browser.run("document.querySelector('[aria-label=\"Delete porch\"]').click()")
        self.save()
        self.assertNotIn("porch", [shape["name"] for shape in self.shapes()])

    def test_zones_and_lines_are_drawn_with_the_keyboard(self):
        self.open_editor()
        press = self.browser.press
        self.browser.run("[...document.querySelectorAll('.editor-tools button')].find((b) => b.textContent === 'New line').focus()")
        press("Enter")
        self.assertTrue(self.browser.wait_for("document.activeElement.classList.contains('overlay')"))
        for _ in range(4):
            press("ArrowLeft", modifiers=8)  # with Shift: 5 % a step
        press(" ", "Space")
        for _ in range(6):
            press("ArrowDown", modifiers=8)
        press(" ", "Space")
        self.browser.wait_for("document.activeElement.dataset.kind === 'name'")
        self.browser.run("document.activeElement.select()")
        self.browser.type("kerb")
        self.browser.run("document.querySelector('.point').focus()")
        press("ArrowRight")
        press("ArrowRight")
        self.save()
        kerb = next(shape for shape in self.shapes() if shape["name"] == "kerb")
        self.assertEqual((kerb["kind"], kerb["points"]), ("line", [[0.31, 0.5], [0.3, 0.8]]))
        self.browser.run("document.querySelector('[aria-label=\"Turn the direction of kerb\"]').click()")
        self.browser.run("document.querySelector('[aria-label=\"Delete steps\"]').click()")
        self.save()
        self.assertEqual([(shape["name"], shape["points"]) for shape in self.shapes() if shape["name"] != "gate"],
                         [("kerb", [[0.3, 0.8], [0.31, 0.5]])])

    def test_screen_readers_find_a_name_on_everything(self):
        self.open_editor()
        unnamed = self.browser.run("""[...document.querySelectorAll('button, a[href], input, canvas, [role=meter], [tabindex="0"], section, aside, nav')]
            .filter((e) => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim() || e.labels?.[0]?.textContent.trim()))
            .map((e) => e.outerHTML.slice(0, 80))""")
        self.assertEqual(unnamed, [])
        self.assertEqual(self.browser.run("document.querySelectorAll('[role=status]').length > 1 && document.querySelectorAll('[role=alert]').length > 0"), True)
        self.assertEqual(self.browser.run("document.documentElement.lang"), "en")


class Token(unittest.TestCase):
    def test_the_token_opens_the_dashboard(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(TOKEN + "\n")
            file.flush()
            demo, browser = Demo(file.name), Chromium(900, 700)
        self.addCleanup(demo.close)
        self.addCleanup(browser.close)
        browser.open(demo.url + "/")
        browser.wait_for("location.pathname === '/login' && document.activeElement.id === 'token' && !document.querySelector('#enter').disabled")
        browser.type("wrong")
        browser.press("Enter")
        browser.wait_for("document.querySelector('#problem').textContent === \"That is not the server's token.\"")
        if SHOTS:
            browser.screenshot(Path(SHOTS) / "login.png")
        browser.run("document.querySelector('#token').value = ''")
        browser.type(TOKEN)
        browser.press("Enter")
        browser.wait_for("location.pathname === '/' && document.querySelectorAll('.stream canvas[data-shown]').length === 3")
        self.assertEqual(browser.run("document.cookie"), "", "no script sees the session")
        browser.wait_for("!document.querySelector('#logout').hidden")
        browser.click_on("#logout")
        browser.wait_for("location.pathname === '/login'")
        self.assertEqual([line for line in browser.console if "401" not in line], [])


if __name__ == "__main__":
    if not shutil.which("chromium"):
        print("skipped: no chromium; tools/bootstrap installs it")
        sys.exit(77)
    unittest.main()
