# SPDX-License-Identifier: Apache-2.0
"""Debian's chromium, told what to do over a pipe (its DevTools protocol), without a library."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time


class Chromium:
    """A page in a browser of its own. Remembers what the console said and every address that was asked for."""

    def __init__(self, width=1440, height=900, touch=False):
        self.home = tempfile.TemporaryDirectory()
        command_read, self.command = os.pipe()
        self.answers, answer_write = os.pipe()
        # The browser reads commands from descriptor 3 and writes answers to 4.
        script = f"exec 3<&{command_read} 4>&{answer_write}; exec \"$@\""
        self.process = subprocess.Popen(
            ["bash", "-c", script, "chromium", shutil.which("chromium"), "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--hide-scrollbars", "--force-color-profile=srgb", f"--user-data-dir={self.home.name}", "--remote-debugging-pipe",
             "--ignore-certificate-errors", "about:blank"],
            pass_fds=(command_read, answer_write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": self.home.name})
        os.close(command_read)
        os.close(answer_write)
        self.number, self.results = 0, {}
        self.console, self.requests, self.failures = [], [], []
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.session = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.resize(width, height, touch)

    def resize(self, width, height, touch=False, scale=1):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=touch)
        self.send("Emulation.setTouchEmulationEnabled", enabled=touch)

    def _read(self):
        rest = b""
        while part := os.read(self.answers, 1 << 16):
            *messages, rest = (rest + part).split(b"\0")
            for message in map(json.loads, messages):
                with self.changed:
                    self._take(message)
                    self.changed.notify_all()
        with self.changed:
            self.results = None
            self.changed.notify_all()

    def _take(self, message):
        about = message.get("params", {})
        match message.get("method"):
            case None:
                self.results[message["id"]] = message
            case "Runtime.consoleAPICalled" if about["type"] in ("error", "warning", "assert"):
                self.console.append(str([arg.get("value", arg.get("description")) for arg in about["args"]]))
            case "Runtime.exceptionThrown":
                self.console.append(str(about["exceptionDetails"].get("exception", about["exceptionDetails"])))
            case "Log.entryAdded" if about["entry"]["level"] in ("error", "warning"):
                self.console.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")
            case "Network.requestWillBeSent":
                self.requests.append(about["request"]["url"])

    def send(self, method, **parameters):
        with self.changed:
            self.number += 1
            number = self.number
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.command, json.dumps(message).encode() + b"\0")
        with self.changed:
            if not self.changed.wait_for(lambda: self.results is None or number in self.results, 60) or self.results is None:
                raise RuntimeError(f"the browser does not answer {method}")
            answer = self.results.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def run(self, script):
        """What the script, an expression, is in the page."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    def open(self, url):
        self.send("Page.navigate", url=url)

    def wait_for(self, script, what=None, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if value := self.run(f"((value) => value instanceof Element || value)({script})"):
                    return value
            except RuntimeError:  # a page that is being left
                pass
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s: {what or script}")

    def screenshot(self, path, whole=True):
        data = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def mouse(self, kind, x, y, buttons=0):
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left" if kind != "mouseMoved" or buttons else "none",
                  buttons=buttons, clickCount=1)

    def click(self, x, y):
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, 1)
        self.mouse("mouseReleased", x, y)

    def click_on(self, selector):
        self.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        box = self.box(selector)
        self.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def box(self, selector):
        return self.run(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()")

    def drag(self, start, end):
        self.mouse("mouseMoved", *start)
        self.mouse("mousePressed", *start, 1)
        for step in range(1, 5):
            self.mouse("mouseMoved", *(a + (b - a) * step / 4 for a, b in zip(start, end)), 1)
        self.mouse("mouseReleased", *end)

    def press(self, key, code=None, text=None, modifiers=0):
        text = text or (key if len(key) == 1 else "\r" if key == "Enter" else None)
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=code or key, modifiers=modifiers,
                      **({"text": text} if text and kind == "keyDown" else {}),
                      **({"windowsVirtualKeyCode": 13} if key == "Enter" else {"windowsVirtualKeyCode": 9} if key == "Tab" else {}))

    def type(self, text):
        self.send("Input.insertText", text=text)

    def close(self):
        try:
            os.write(self.command, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
            self.process.wait(10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.command)
        self.home.cleanup()
