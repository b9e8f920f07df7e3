#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long COCO's twelve numbers take: osprey eval, pycocotools, faster-coco-eval, hotcoco and ultrafast-pycocotools.

    python3 bench/evaluate/run.py [--rounds 5] [--slow-rounds 1] [--folder FOLDER]

Run it with the Python of bench/requirements.txt. A set like COCO val2017 is made (generate.py) unless FOLDER has one. Each
runs in a process of its own, from the two JSON files to the numbers, in turn; the best time of each counts, of the whole
process and without the imports of Python, and the most memory. All must agree within 1e-9 first. Exit code 1 if one does not,
or if a target is missed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Imports, then the work; each prints the seconds of the work, then the numbers.
CLASSIC = """
import sys, time, io, contextlib
from {labels} import COCO
from {evaluation} as COCOeval
start = time.perf_counter()
with contextlib.redirect_stdout(io.StringIO()):
    gt = COCO(sys.argv[1]); e = COCOeval(gt, gt.loadRes(sys.argv[2]), "bbox")
    e.evaluate(); e.accumulate(); e.summarize()
print(time.perf_counter() - start, *[float(v) for v in e.stats][:12])
"""
HOT = """
import sys, time, os
from hotcoco import COCO, COCOeval
start = time.perf_counter()
out = os.dup(1); os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
gt = COCO(sys.argv[1]); e = COCOeval(gt, gt.load_res(sys.argv[2]), "bbox")
e.evaluate(); e.accumulate(); e.summarize()
took = time.perf_counter() - start
os.dup2(out, 1)
print(took, *[float(v) for v in e.stats][:12])
"""
# What it runs, how many times osprey's time it is to take at least, and whether it is slow.
PEERS = {
    "pycocotools": (CLASSIC.format(labels="pycocotools.coco", evaluation="pycocotools.cocoeval import COCOeval"), 120, True),
    "faster-coco-eval": (CLASSIC.format(labels="faster_coco_eval", evaluation="faster_coco_eval import COCOeval_faster"), 12, False),
    "hotcoco": (HOT, 1.5, False),
    "ultrafast-pycocotools": (CLASSIC.format(labels="ultrafast_pycocotools.coco",
                                             evaluation="ultrafast_pycocotools.cocoeval import COCOeval"), 1.5, False),
}
KEYS = ["ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large"]


def run(command):
    """Seconds, most memory in MB, and what it printed."""
    # A child's memory is told only as the most of all children: so each has a parent of its own.
    script = ("import resource, subprocess, sys, time\n"
              "start = time.perf_counter()\n"
              "done = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
              "took = time.perf_counter() - start\n"
              "sys.stderr.write(done.stderr)\n"
              "print(took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)\n"
              "print(done.stdout)\n"
              "sys.exit(done.returncode)\n")
    done = subprocess.run([sys.executable, "-c", script, *map(str, command)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed: {done.stderr[-2000:]}")
    first, _, rest = done.stdout.partition("\n")
    seconds, memory = map(float, first.split())
    return seconds, memory, rest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-rounds", type=int, default=1, help="of pycocotools")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        files = [folder / "instances.json", folder / "detections.json"]
        if not all(f.is_file() for f in files):
            subprocess.run([sys.executable, ROOT / "bench/evaluate/generate.py", folder], check=True)
        commands = {name: [sys.executable, "-c", code, *files] for name, (code, _, _) in PEERS.items()}
        ours = [options.build / "osprey", "eval", "--data", files[0], "--detections", files[1], "--only-coco", "--json", "-"]

        best = {}
        for turn in range(options.rounds):
            for name in ["osprey", *PEERS]:
                if name != "osprey" and PEERS[name][2] and turn >= options.slow_rounds:
                    continue
                seconds, memory, text = run(ours if name == "osprey" else commands[name])
                if name == "osprey":
                    numbers, work = [json.loads(text)["coco"][k] for k in KEYS], seconds
                else:
                    work, *numbers = [float(v) for v in text.split()]
                known = best.setdefault(name, [seconds, work, memory, numbers])
                best[name] = [min(known[0], seconds), min(known[1], work), max(known[2], memory), numbers]

    missed = []
    own = best["osprey"]
    print("                         whole process      without imports      memory   AP")
    for name, (seconds, work, memory, numbers) in best.items():
        print(f"{name:22} {seconds:8.2f} s {seconds / own[0]:6.1f}x  {work:8.2f} s {work / own[1]:6.1f}x  {memory:6.0f} MB   {numbers[0]:.6f}")
        if name == "osprey":
            continue
        if max(abs(a - b) for a, b in zip(numbers, own[3])) > 1e-9:
            missed.append(f"{name} gives other numbers")
        if seconds / own[0] < PEERS[name][1]:
            missed.append(f"{name}: {seconds / own[0]:.2f} times as long, asked {PEERS[name][1]}")
        if work <= own[1] or memory <= own[2]:
            missed.append(f"{name}: not behind without imports, or in memory")
    print("\n".join(missed) or "all targets are met")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
