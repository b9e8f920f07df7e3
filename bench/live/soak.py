#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`osprey serve` left alone with everything that can go wrong: a fault every few seconds, for as long as is asked.

    bench/live/soak.py [--minutes 30] [--build build] [--streams 4] [--seed N]

Real cameras (RTSP), a broker and a receiver are killed and come back; the configuration is read again with streams that
come, go and change; zones are saved; viewers come and leave in the middle of a picture. With `--build build/asan` or
`build/tsan` the sanitizer's reports count. Exit code 1 if a ledger is not exact, something grows, a stream does not come
back, an event is missing or out of order, or the service does not end in order.
"""

import argparse
import base64
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    return parser.parse_args()


OPTIONS = arguments()
os.environ.setdefault("OSPREY", str(OPTIONS.build / "osprey"))
os.environ.setdefault("OSPREY_SOURCE", str(ROOT))
sys.path.insert(0, str(ROOT / "tests/live"))
from service import Camera, Service, free_port, listens, wait_for  # noqa: E402


class Soak:
    def __init__(self, folder):
        self.folder, self.random = folder, random.Random(OPTIONS.seed)
        make_test_data = next(p for p in OPTIONS.build.rglob("make_test_data") if p.is_file() and os.access(p, os.X_OK))
        subprocess.run([make_test_data, folder], check=True)
        clip = folder / "clip.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-i", folder / "video.mp4", "-bf", "0", "-g", "25", clip], check=True)
        self.cameras = [Camera(clip) for _ in range(OPTIONS.streams)]
        self.http, self.mqtt = free_port(), free_port()
        self.received = folder / "received"
        self.peers = {"receiver": self.receiver(), "broker": self.broker()}
        self.extra, self.zones = False, False
        self.faults, self.problems = {}, []
        self.service = Service(folder, self.config())

    def receiver(self):
        return subprocess.Popen([sys.executable, ROOT / "tests/results/receiver.py", str(self.http), self.received],
                                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def broker(self):
        (self.folder / "broker.conf").write_text(f"listener {self.mqtt} 127.0.0.1\nallow_anonymous true\n")
        one = subprocess.Popen(["mosquitto", "-c", self.folder / "broker.conf"], stdin=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        wait_for(lambda: listens(self.mqtt), "the broker")
        return one

    def config(self):
        streams = "".join(f"  - name: cam{i}\n    source: {c.url}\n    hls: {'true' if i == 0 else 'false'}\n"
                          + ("    record: {pre_roll: 1, post_roll: 1, longest: 20}\n" if i == 1 else "")
                          for i, c in enumerate(self.cameras))
        if self.extra:
            streams += f"  - name: extra\n    source: {self.folder / 'video.mp4'}\n    loop: true\n"
        return (f"detect:\n  model: {self.folder / 'spots.onnx'}\nserver:\n  address: 127.0.0.1:0\n"
                "storage:\n  outbox_megabytes: 64\n  recordings_megabytes: 50\n"
                f"sinks:\n  http:\n    - url: http://127.0.0.1:{self.http}/events\n"
                f"  mqtt:\n    host: 127.0.0.1\n    port: {self.mqtt}\n  json_lines:\n    path: lines.jsonl\n"
                f"    max_megabytes: 1\n    keep: 2\nstreams:\n{streams}")

    # Faults

    def a_camera_is_killed(self):
        camera = self.random.choice(self.cameras)
        camera.kill()
        time.sleep(self.random.uniform(0, 2))
        camera.start()

    def a_camera_hangs(self):
        camera = self.random.choice(self.cameras)
        camera.process.send_signal(signal.SIGSTOP)
        time.sleep(self.random.uniform(0, 8))
        camera.process.send_signal(signal.SIGCONT)

    def the_broker_is_killed(self):
        self.kill("broker")
        time.sleep(self.random.uniform(0, 2))
        self.peers["broker"] = self.broker()

    def the_receiver_is_killed(self):
        self.kill("receiver")
        time.sleep(self.random.uniform(0, 2))
        self.peers["receiver"] = self.receiver()

    def kill(self, name):
        self.peers[name].kill()
        self.peers[name].wait()

    def a_stream_comes_or_goes(self):
        self.extra = not self.extra
        self.service.write(self.config())
        self.service.reload()

    def a_configuration_is_wrong(self):
        self.service.write(self.config() + "  - name: cam0\n")
        if "stays as it was" not in self.service.reload():
            self.problems.append("a wrong configuration was taken")
        self.service.write(self.config())

    def zones_are_saved(self):
        x = self.random.uniform(0.2, 0.8)
        shapes = [{"name": "left", "kind": "zone", "points": [[0, 0], [x, 0], [x, 1], [0, 1]], "classes": []},
                  {"name": "gate", "kind": "line", "points": [[x, 0], [x, 1]], "classes": []}]
        status, text = self.service.put("/api/v1/streams/cam0/shapes", {"shapes": shapes})
        if status >= 300:
            self.problems.append(f"zones were not saved: {status} {text}")

    def viewers_come_and_leave(self):
        def look(name):
            try:
                with urllib.request.urlopen(f"{self.service.url}/api/v1/streams/{name}/live.mjpeg", timeout=10) as answer:
                    answer.read(self.random.randrange(1, 200_000))
            except OSError:
                pass

        threads = [threading.Thread(target=look, args=(f"cam{i % OPTIONS.streams}",)) for i in range(6)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()

    # What must hold

    def look(self):
        for stream in self.service.status()["streams"]:
            lost = sum(stream["dropped"].values())
            if stream["captured"] != stream["delivered"] + stream["failed"] + lost + stream["in_flight"]:
                self.problems.append(f"ledger of {stream['name']}: {stream}")

    def settle(self):
        """Everything is there again; then what it takes."""
        wait_for(lambda: all(s["state"] == "running" for s in self.service.status()["streams"]), "all streams", 60)
        time.sleep(12)
        return self.service.usage()

    def run(self):
        faults = [self.a_camera_is_killed, self.a_camera_hangs, self.the_broker_is_killed, self.the_receiver_is_killed,
                  self.a_stream_comes_or_goes, self.a_configuration_is_wrong, self.zones_are_saved,
                  self.viewers_come_and_leave]
        for fault in faults:  # each once, before what it takes counts as the beginning's
            fault()
        begin, end = self.settle(), time.monotonic() + 60 * OPTIONS.minutes
        print(f"begin {begin}", flush=True)
        told = time.monotonic()
        while time.monotonic() < end and not self.service.process.poll():
            time.sleep(self.random.uniform(0.5, 4))
            fault = self.random.choice(faults)
            fault()
            self.faults[fault.__name__] = self.faults.get(fault.__name__, 0) + 1
            self.look()
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(f"{sum(self.faults.values())} faults, {self.service.usage()}, {len(self.problems)} problems", flush=True)
        if self.extra:
            self.a_stream_comes_or_goes()
        last = self.settle()
        print(f"end   {last}")
        slack = {"MB": max(64, begin["MB"] // 5), "threads": 6, "descriptors": 12}
        for what, more in slack.items():
            if last[what] > begin[what] + more:
                self.problems.append(f"{what}: from {begin[what]} to {last[what]}")
        self.finish()

    def finish(self):
        status = self.service.status()
        waits = {one["name"]: one for one in status["sinks"]}
        wait_for(lambda: all(one["connected"] for one in self.service.status()["sinks"]), "sinks", 60)
        code = self.service.stop()
        if code != 0:
            self.problems.append(f"it ended with {code}")
        said = self.service.said()
        for report in re.findall(r"(?:ERROR: AddressSanitizer|WARNING: ThreadSanitizer|ERROR: LeakSanitizer|runtime error).*", said):
            self.problems.append(report)
        first = {}
        for line in self.received.read_text().splitlines():
            event = json.loads(base64.b64decode(json.loads(line)["body"]))
            first.setdefault(event["key"], event["number"])
        numbers = list(first.values())
        if numbers != list(range(1, len(numbers) + 1)):
            self.problems.append(f"events are missing or out of order: {numbers[:5]}..{numbers[-5:]}, {len(numbers)}")
        print(f"{len(numbers)} events received, each once by its key and in order; sinks: "
              + ", ".join(f"{name} {one['delivered']} delivered, {one['discarded']} discarded" for name, one in waits.items()))
        for stream in status["streams"]:
            print(f"{stream['name']:8} {stream['captured']} frames, {stream['delivered']} results, dropped {stream['dropped']}, "
                  f"{stream['reconnects']} reconnects")


def main():
    print(f"seed {OPTIONS.seed}")
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(Path(folder))
        try:
            soak.run()
        finally:
            soak.service.process.kill()
            for camera in soak.cameras:
                camera.process.send_signal(signal.SIGCONT)
                camera.kill()
            for name in soak.peers:
                soak.kill(name)
            kept = Path(tempfile.gettempdir()) / "osprey_soak.log"
            kept.write_text(soak.service.said())
        print(soak.faults)
        print(*(soak.problems[:20] or ["all held"]), sep="\n")
        if soak.problems:
            print(f"what it said is in {kept}")
        return 1 if soak.problems else 0


if __name__ == "__main__":
    sys.exit(main())
