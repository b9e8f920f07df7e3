#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What two models cost in one run, beside what each costs alone; and what batches gain.

    python3 bench/several_models/run.py [--first yolov8n.onnx] [--second yolox_nano.onnx] [--rounds 5]

Needs no other Python package. Each round runs every contender once, one after the other. The cost of a run is the CPU
time of its process for a frame, less that of starting it, which runs of two lengths tell apart; wall time is shown
beside it, which a disturbance spoils more. Before anything is timed: two models at once find what each finds alone,
and a batch finds what single pictures do. Exit code 1 if they do not.
"""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = Path(os.environ.get("OSPREY_SHARED_DIR", ROOT.parent / "shared"))
VIDEO = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
MOST = 1.03


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.long = folder / "long.avi"
        self.short = folder / "short.avi"
        for video, frames in (self.long, options.frames), (self.short, 10):
            subprocess.run(["ffmpeg", "-v", "error", "-i", VIDEO, "-c", "copy", "-frames:v", str(frames), video],
                           check=True)

    def detect(self, video, *flags):
        """CPU seconds of the process, wall seconds of the run."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([self.options.osprey, "detect", video, "--json", self.folder / "o.jsonl",
                               *map(str, flags)], capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            sys.exit(done.stderr)
        wall = re.search(r"frames +\d+ in ([\d.]+) s", done.stderr)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, float(wall.group(1)), done.stderr

    def cost(self, *flags):
        """CPU and wall milliseconds a frame."""
        cpu, wall, _ = self.detect(self.long, *flags)
        start, first, _ = self.detect(self.short, *flags)
        frames = self.options.frames - 10
        return {"cpu": 1000 * (cpu - start) / frames, "wall": 1000 * (wall - first) / frames}

    def found(self, *flags):
        self.detect(self.short, *flags)
        with open(self.folder / "o.jsonl") as lines:
            return [json.loads(line)["objects"] for line in lines]

    def check_answers(self, first, second):
        def key(o):
            return o["x"], o["y"], o["w"], o["h"], o["detection"]["label"], round(o["detection"]["confidence"], 3)

        both = self.found(*first, *second, "--fuse", "none")
        alone = [a + b for a, b in zip(self.found(*first), self.found(*second))]
        if [sorted(map(key, f)) for f in both] != [sorted(map(key, f)) for f in alone]:
            sys.exit("two models at once find other things than each alone: nothing is timed")
        if [list(map(key, f)) for f in self.found(*first, "--batch", 4)] != [
                list(map(key, f)) for f in self.found(*first)]:
            sys.exit("a batch of four finds other things than single pictures: nothing is timed")
        print(f"answers: {sum(map(len, both))} objects of two models, alone and at once; batches the same")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=Path, default=SHARED / "models/yolov8n.onnx")
    parser.add_argument("--second", type=Path, default=SHARED / "models/yolox_nano.onnx")
    parser.add_argument("--osprey", type=Path, default=ROOT / "build/osprey")
    parser.add_argument("--frames", type=int, default=130)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    absent = [p for p in (options.first, options.second, Path(VIDEO)) if not p.is_file()]
    if absent:
        sys.exit(print(f"skip  {absent[0]} is not there"))

    first, second = ("--model", options.first), ("--model", options.second)
    contenders = {options.first.stem: first, options.second.stem: second, "both at once": (*first, *second),
                  **{f"{options.first.stem}, batches of {n}": (*first, "--batch", n) for n in (2, 4)}}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        bench.check_answers(first, second)
        results = {name: [] for name in contenders}
        for round_ in range(options.rounds):
            for name, flags in contenders.items():
                results[name].append(bench.cost(*flags))
                print(f"round {round_ + 1}  {name:32} {results[name][-1]['cpu']:7.1f} ms of CPU a frame", flush=True)
        *_, log = bench.detect(bench.short, *first, "--batch", "auto")

    median = {name: {k: statistics.median(r[k] for r in runs) for k in ("cpu", "wall")}
              for name, runs in results.items()}
    print(f"\n{'':32} {'CPU ms a frame':>15} {'wall ms a frame':>16}")
    for name, m in median.items():
        print(f"{name:32} {m['cpu']:15.1f} {m['wall']:16.1f}")
    a, b, both = options.first.stem, options.second.stem, "both at once"
    print()
    for what in "cpu", "wall":
        # By rounds, so that a slow moment counts on both sides.
        ratio = statistics.median(results[both][i][what] / (results[a][i][what] + results[b][i][what])
                                  for i in range(options.rounds))
        print(f"both at once / the sum of each, {what:5} {ratio:6.3f}  (<= {MOST}){'' if ratio <= MOST else '  MISSED'}")
    print("--batch auto: " + re.search(r"batch +(.*)", log).group(1))


if __name__ == "__main__":
    main()
