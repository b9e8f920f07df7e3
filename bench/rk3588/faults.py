#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a board's faults cost: 10,000 frames of real video on the virtual board, with each fault in turn and all together.

    python3 bench/rk3588/faults.py [--build build/asan] [--core-ms 6]

Each fault strikes in the first half. `--build build/asan` looks for leaks as well (with --core-ms 12: it is slow). Exit code
1 if a frame is missing, out of order or without a result, if nothing came for longer than the time-out and a fault's own
length, or if the last third runs at less than 0.97 of the rate without faults, measured beside it.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VIDEO = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
LEAST = 0.97
TIMEOUT = 0.5  # seconds
# What, its faults, and the longest gap they may make beyond the time-out in seconds: their own length, or where every core
# is without a context, the rests between tries.
FAULTS = {
    "none": ("", 0),
    "time-outs": ("timeout every=500 to=5000 ms=300", 0.3),
    "failures": ("fail every=100 to=5000", 0),
    "a core hangs for 3 s": ("hang core=1 from=1000 to=1000 ms=3000", 0),
    "a core hangs, and no memory": ("hang core=2 from=1000 to=1000 ms=800; memory every=2 from=40 to=90", 0),
    "no contexts for a while": ("fail every=200 to=5000; init from=9 to=24", 4),
    "slow contexts": ("fail every=500 to=5000; slow-init ms=150", 0.3),
    "wrong answers": ("wrong every=10 to=5000", 0),
    "all together": ("timeout every=700 to=5000 ms=300; fail every=300 to=5000; hang core=0 from=900 to=900 ms=2000; "
                     "memory every=3 from=40 to=90; init every=4 from=9 to=60; slow-init ms=50; wrong every=50", 4),
}


class Run:
    """One run: when its lines came, and what it said at its end."""

    def __init__(self, command, faults, recording):
        environment = os.environ | {"OSPREY_SIM_FAULTS": faults, "OSPREY_SIM_ANSWERS": "replay",
                                    "OSPREY_SIM_RECORDING": str(recording)}
        process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=environment)
        self.times, self.order, self.errors = [], [], 0
        for line in process.stdout:
            self.times.append(time.monotonic())
            frame = json.loads(line)
            self.order.append(frame["sequence"])
            self.errors += "error" in frame
        self.said = process.stderr.read()
        self.code = process.wait()

    def rate(self):
        """Frames a second of the last third."""
        begin = len(self.times) * 2 // 3
        return (len(self.times) - 1 - begin) / (self.times[-1] - self.times[begin])

    def longest_gap(self):
        return max(b - a for a, b in zip(self.times, self.times[1:]))

    def faults(self):
        return sum(int(n) for n in re.findall(r"out of use (\d+) times", self.said))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("OSPREY_SHARED_DIR", ROOT.parent / "shared")))
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--only", default="", help="a pattern of the faults to try")
    parser.add_argument("--core-ms", type=float, default=6)
    options = parser.parse_args()
    os.environ.setdefault("TBB_ENABLE_SANITIZERS", "1")  # these are heeded by sanitized builds only
    os.environ.setdefault("LSAN_OPTIONS", f"suppressions={ROOT}/tools/sanitizers/lsan.supp:print_suppressions=0")
    model = options.shared / "models/yolov8n.onnx"
    if not model.is_file():
        return print(f"skip  {model} is not there")
    osprey, library = options.build / "osprey", options.build / "sim/rk3588/librknnrt.so"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        video, few, made, recording = folder / "v.avi", folder / "few.avi", folder / "m.rknn", folder / "answers"
        ffmpeg = ["ffmpeg", "-v", "error", "-i", VIDEO, "-c", "copy"]
        subprocess.run([*ffmpeg[:3], "-stream_loop", "12", *ffmpeg[3:], "-frames:v", "10000", video], check=True)
        subprocess.run([*ffmpeg, "-frames:v", "16", few], check=True)
        subprocess.run([osprey, "sim-model", model, "-o", made, "--core-ms", str(options.core_ms)], check=True,
                       capture_output=True)
        detect = [osprey, "detect", "--model", made, "--rknn-library", library, "--json", "-", "--run-timeout",
                  int(1000 * TIMEOUT)]
        subprocess.run([*map(str, detect), few], check=True, capture_output=True, env=os.environ | {
            "OSPREY_SIM_ANSWERS": "record", "OSPREY_SIM_RECORDING": str(recording)})
        failures = 0
        print(f"{'':30} {'frames':>7} {'failed':>7} {'faults':>7} {'gap':>8} {'rate at the end':>16}")
        for name, (faults, extra) in FAULTS.items():
            if name != "none" and not re.search(options.only, name):
                continue
            run = Run([*detect, video], faults, recording)
            if name == "none":
                reference = run.rate()
                expected = len(run.order)
            share = run.rate() / reference
            whole = run.code == 0 and run.order == list(range(expected)) and run.errors == 0
            ok = whole and share >= LEAST and run.longest_gap() <= TIMEOUT + extra + 0.3
            failures += not ok
            print(f"{name:30} {len(run.order):7} {run.errors:7} {run.faults():7} {run.longest_gap():6.2f} s "
                  f"{run.rate():8.1f} ({share:.3f})  {'ok' if ok else 'FAIL'}", flush=True)
            if not whole:
                print(run.said)
    return failures


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
