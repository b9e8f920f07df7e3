# SPDX-License-Identifier: Apache-2.0
"""What tests of `osprey serve` share: a service that runs, and the peers it needs."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

OSPREY = os.environ["OSPREY"]
SOURCE = Path(os.environ["OSPREY_SOURCE"])

sys.path.insert(0, str(SOURCE / "tests/support"))
from peers import free_port, listens, wait_for  # noqa: E402,F401  listens: for those who import this


class Camera:
    """A real RTSP server that plays a video again and again, and can be killed."""

    def __init__(self, video):
        self.video, self.port = video, free_port()
        self.start()

    def start(self):
        # The system's Python has the bindings of the system's GStreamer.
        self.process = subprocess.Popen(["/usr/bin/python3", SOURCE / "tests/cli/rtsp_server.py", self.video, str(self.port)],
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Service:
    """`osprey serve` with a configuration, which is a file in `folder`; `more` is for its environment."""

    def __init__(self, folder, config, **more):
        self.folder, self.environment = Path(folder), os.environ | more
        self.config = self.folder / "osprey.yaml"
        self.log = self.folder / "log"
        self.write(config)
        self.start()

    def write(self, config):
        self.config.write_text(config)

    def start(self):
        begin = len(self.said()) if self.log.exists() else 0
        with open(self.log, "a") as log:
            self.process = subprocess.Popen([OSPREY, "serve", self.config], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment)
        self.url = wait_for(lambda: self.ended() or self.last(r"serving (https?://\S+)", begin), "the server")
        wait_for(lambda: self.ended() or self.status()["ready"], "ready")

    def ended(self):
        if self.process.poll() is not None:
            raise AssertionError(f"it ended with {self.process.returncode}: {self.said()[-2000:]}")

    def said(self):
        return self.log.read_text()

    def last(self, pattern, begin):
        found = re.findall(pattern, self.said()[begin:])
        return found[-1] if found else None

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return answer.read()

    def json(self, path):
        return json.loads(self.get(path))

    def put(self, path, value):
        request = urllib.request.Request(self.url + path, json.dumps(value).encode(), {"Content-Type": "application/json"},
                                         method="PUT")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def status(self):
        return self.json("/api/v1/status")

    def stream(self, name):
        return next((one for one in self.status()["streams"] if one["name"] == name), None)

    def reload(self):
        before = len(self.said())
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.last("(read the configuration again|the configuration stays)", before), "the reload")
        return self.said()[before:]

    def usage(self):
        """What it takes of the machine, without the server's threads: as many as there were connections at once."""
        process = Path(f"/proc/{self.process.pid}")
        threads = [one for one in (process / "task").iterdir() if not (one / "comm").read_text().startswith("serve-")]
        return {"MB": int(re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text())[1]) // 1024,
                "threads": len(threads), "descriptors": len(list((process / "fd").iterdir()))}

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=30)


class ServiceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data_folder = tempfile.TemporaryDirectory()
        cls.data = Path(cls.data_folder.name)
        subprocess.run([os.environ["MAKE_TEST_DATA"], cls.data], check=True)
        cls.model, cls.video = cls.data / "spots.onnx", cls.data / "video.mp4"
        cls.clip = cls.data / "clip.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-i", cls.video, "-bf", "0", "-g", "25", cls.clip], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.data_folder.cleanup()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)

    def head(self, more=""):
        return f"detect:\n  model: {self.model}\n{more}server:\n  address: 127.0.0.1:0\n"

    def serve(self, config, **environment):
        service = Service(self.out, config, **environment)
        self.addCleanup(lambda: (service.process.kill(), service.process.wait()))
        return service

    def camera(self):
        camera = Camera(self.clip)
        self.addCleanup(camera.kill)
        return camera

    def background(self, *command, **more):
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, **more)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def assert_ledger(self, stream):
        dropped = sum(stream["dropped"].values())
        self.assertEqual(stream["captured"], stream["delivered"] + stream["failed"] + dropped + stream["in_flight"], stream)


def main():
    unittest.main(verbosity=2 if sys.stdout.isatty() else 1)
