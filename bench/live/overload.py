#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Streams that are too much for the machine: frames stay young, memory flat, and each stream gets its share.

    bench/live/overload.py [--model yolov8n.onnx] [--video FILE] [--streams 8] [--times 4] [--minutes 10] [--build build]

First the model's frames a second here are measured (`osprey bench`); then so many looped streams, which together give
`--times` as many. A round is the time in which each stream gets one result. Exit code 1 unless the p99 of frames' ages is
at most two rounds (over any minute), shares are within 10 % of each other's mean, and memory does not grow.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = Path(os.environ.get("OSPREY_SHARED_DIR", ROOT.parent / "shared"))
VIDEO = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=SHARED / "models/yolov8n.onnx")
    parser.add_argument("--video", type=Path, default=VIDEO)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--times", type=float, default=4)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    options = parser.parse_args()
    for needed in (options.model, options.video):
        if not needed.exists():
            return print(f"skip  {needed} is not there")
    osprey = options.build / "osprey"
    os.environ["OSPREY"], os.environ["OSPREY_SOURCE"] = str(osprey), str(ROOT)
    sys.path.insert(0, str(ROOT / "tests/live"))
    from service import Service

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        done = subprocess.run([osprey, "bench", options.model, "--seconds", "5"], capture_output=True, text=True)
        measured = re.findall(r"([\d.]+) fps", done.stdout)
        if not measured:
            sys.exit(f"osprey bench: {done.stdout}{done.stderr}")
        fps = max(map(float, measured))
        rate = options.times * fps / options.streams
        clip = folder / "clip.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-i", options.video, "-vf", "scale=640:-2", "-r", f"{rate:.2f}", "-t", "40",
                        "-c:v", "libx264", "-preset", "fast", "-bf", "0", clip], check=True)
        print(f"the model: {fps:.1f} fps; {options.streams} streams of {rate:.1f} fps: {options.times} times as many")
        service = Service(folder, f"detect:\n  model: {options.model}\nserver:\n  address: 127.0.0.1:0\nstreams:\n" + "".join(
            f"  - name: s{i}\n    source: {clip}\n    loop: true\n" for i in range(options.streams)))
        try:
            return watch(service, options)
        finally:
            service.process.kill()
            service.process.wait()


def results(service):
    return {one["name"]: one["delivered"] for one in service.status()["streams"]}


def watch(service, options):
    time.sleep(15)
    begin_time, begin, first_memory = time.monotonic(), results(service), service.usage()["MB"]
    ages, memories = [], [first_memory]
    for minute in range(max(1, round(options.minutes))):
        time.sleep(60 if options.minutes >= 1 else 60 * options.minutes)
        now = service.status()
        ages.append(max(one["age_p99"] for one in now["streams"]))
        memories.append(service.usage()["MB"])
        middle = max(one["age_p50"] for one in now["streams"])
        print(f"minute {minute + 1}: ages p50 {middle:.3f}, p99 {ages[-1]:.3f} s; {memories[-1]} MB", flush=True)
    took, counts = time.monotonic() - begin_time, results(service)
    got = {name: counts[name] - begin[name] for name in begin}
    total = sum(got.values())
    mean, round_time = total / len(got), len(got) * took / total
    shares = {name: n / mean for name, n in got.items()}
    status = service.status()
    for one in status["streams"]:
        lost = sum(one["dropped"].values())
        if one["captured"] != one["delivered"] + one["failed"] + lost + one["in_flight"]:
            print(f"ledger of {one['name']} is not exact")
            return 1
    print(f"{total / took:.1f} results a second; a round takes {round_time:.3f} s; shares {min(shares.values()):.3f} to "
          f"{max(shares.values()):.3f}; memory {memories[0]} to {max(memories)} MB\n{status['streams'][0]['diagnosis']}")
    missed = []
    if max(ages) > 2 * round_time:
        missed.append(f"p99 of ages {max(ages):.3f} s, at most {2 * round_time:.3f}")
    if max(abs(share - 1) for share in shares.values()) > 0.1:
        missed.append(f"shares {shares}")
    if max(memories[1:]) > memories[1] + max(32, memories[1] // 20):
        missed.append(f"memory {memories}")
    print(*(missed or ["all targets met"]), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
